// The one sound of the page: two short tones, made by the browser itself.

const kTones = [
  { hertz: 660, at: 0 },
  { hertz: 880, at: 0.11 },
]
const kToneSeconds = 0.16
const kLoudness = 0.11
// A browser that lets no page sound before it was touched would play it then, minutes late.
const kStartWithinMs = 300

let context: AudioContext | null = null

function tone(audio: AudioContext, hertz: number, at: number): void {
  const oscillator = audio.createOscillator()
  const gain = audio.createGain()
  oscillator.type = 'sine'
  oscillator.frequency.value = hertz
  gain.gain.setValueAtTime(0, at)
  gain.gain.linearRampToValueAtTime(kLoudness, at + 0.012)
  gain.gain.exponentialRampToValueAtTime(0.0001, at + kToneSeconds)
  oscillator.connect(gain).connect(audio.destination)
  oscillator.start(at)
  oscillator.stop(at + kToneSeconds)
}

// False when the browser does not let this page sound yet.
export async function playSound(): Promise<boolean> {
  context ??= new AudioContext()
  const late = new Promise((resolve) => setTimeout(resolve, kStartWithinMs))
  if (context.state !== 'running') await Promise.race([context.resume(), late])
  if (context.state !== 'running') return false
  for (const { hertz, at } of kTones) tone(context, hertz, context.currentTime + 0.02 + at)
  return true
}
