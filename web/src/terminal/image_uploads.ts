// The images of one terminal on their way to becoming files, one after the other; each is typed as its path.
import { isImage, kMaxImages, refusal, typedPath, type Upload } from './uploads.ts'

export type SendImage = (file: File, onProgress: (done: number) => void, signal: AbortSignal) => Promise<string>

export interface ImageUploadsEvents {
  changed(uploads: readonly Upload[]): void
  // What did not work, in words for the person.
  trouble(message: string): void
  type(text: string): void
}

interface Waiting {
  id: number
  file: File
  stop: AbortController
}

export class ImageUploads {
  private waiting: Waiting[] = []
  private last = 0
  private busy = false
  private done = 0

  constructor(
    private readonly send: SendImage,
    private readonly events: ImageUploadsEvents,
  ) {}

  add(files: readonly File[]): void {
    const images = files.filter(isImage)
    if (images.length === 0) return this.events.trouble('Not uploaded: only images can be pasted or dropped here.')
    if (images.length > kMaxImages) return this.events.trouble(`Not uploaded: ${kMaxImages} images at once are the most.`)
    for (const file of images) {
      const why = refusal(file)
      if (why !== null) this.events.trouble(why)
      else this.waiting.push({ id: (this.last += 1), file, stop: new AbortController() })
    }
    this.tell()
    void this.run()
  }

  stop(id: number): void {
    this.waiting.find((upload) => upload.id === id)?.stop.abort()
    this.remove(id)
  }

  dispose(): void {
    for (const { stop } of this.waiting.splice(0)) stop.abort()
  }

  private async run(): Promise<void> {
    if (this.busy) return
    this.busy = true
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) await this.one(next)
    this.busy = false
  }

  private async one({ id, file, stop }: Waiting): Promise<void> {
    this.done = 0
    const progress = (done: number) => {
      this.done = done
      this.tell()
    }
    try {
      const path = await this.send(file, progress, stop.signal)
      if (!stop.signal.aborted) this.events.type(typedPath(path))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (!stop.signal.aborted) this.events.trouble(`${file.name || 'The image'} was not uploaded. ${message}`)
    }
    this.remove(id)
  }

  private remove(id: number): void {
    this.waiting = this.waiting.filter((upload) => upload.id !== id)
    this.tell()
  }

  private tell(): void {
    this.events.changed(
      this.waiting.map(({ id, file }, at) => ({ id, name: file.name || 'image', done: at === 0 ? this.done : 0 })),
    )
  }
}
