// Whether this browser can be pushed to, and what a person can do when it cannot. Pure.

export type PushSupport = 'ready' | 'insecure' | 'home_screen' | 'unsupported' | 'denied'

export interface PushEnvironment {
  secure: boolean
  // Service workers, PushManager and Notification are all there.
  capable: boolean
  permission: 'default' | 'granted' | 'denied'
  userAgent: string
  // A Mac without a touch screen is no iPad, whatever it calls itself.
  touchPoints: number
  // Opened from the home screen.
  standalone: boolean
}

const isApplePhone = ({ userAgent, touchPoints }: PushEnvironment) =>
  /\b(iPhone|iPad|iPod)\b/.test(userAgent) || (/\bMacintosh\b/.test(userAgent) && touchPoints > 1)

export function pushSupport(env: PushEnvironment): PushSupport {
  if (!env.secure) return 'insecure'
  if (isApplePhone(env) && !env.standalone) return 'home_screen'
  if (!env.capable) return 'unsupported'
  return env.permission === 'denied' ? 'denied' : 'ready'
}

export const kSupportWords: Record<Exclude<PushSupport, 'ready'>, { title: string; words: string }> = {
  insecure: {
    title: 'This address is not secure',
    words: 'Browsers take notifications only over HTTPS, or at http://localhost. Open the dashboard by its https address; the one who runs it finds in the runbook how to set one up.',
  },
  home_screen: {
    title: 'Add the dashboard to the home screen first',
    words: 'iPhones and iPads notify only for pages on the home screen. In Safari: Share, then “Add to Home Screen”; open it from there and come back to this place.',
  },
  unsupported: {
    title: 'This browser cannot be notified',
    words: 'It has no push messages, or they are switched off (as in private windows). Current Chrome, Edge, Firefox and Safari have them.',
  },
  denied: {
    title: 'Notifications are blocked for this page',
    words: 'The browser was told never to ask again. Allow notifications in its settings for this page (the sign left of the address), then reload.',
  },
}
