// Images that become files: which are taken, and how their paths are typed. Pure.

// As the server has it.
export const kMaxImageBytes = 10 * 1024 * 1024
export const kImageTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const
// Dropping a whole folder of photos is a mistake.
export const kMaxImages = 10

export interface ImageFile {
  readonly name: string
  readonly type: string
  readonly size: number
}

export const isImage = (file: ImageFile): boolean => file.type.startsWith('image/')

const megabytes = (bytes: number) => (bytes / (1024 * 1024)).toFixed(1)

// Why a file is not uploaded, in words for the person; null when it can be.
export function refusal(file: ImageFile): string | null {
  const name = file.name === '' ? 'The image' : file.name
  if (!kImageTypes.some((type) => type === file.type)) {
    return `${name} was not uploaded: only PNG, JPEG, GIF and WebP images can be.`
  }
  if (file.size > kMaxImageBytes) {
    return `${name} was not uploaded: it has ${megabytes(file.size)} MB, and 10 MB is the most.`
  }
  return null
}

// A path as a shell takes it for one word, and Claude Code for one file; a space behind it, never a line end.
export function typedPath(path: string): string {
  const plain = /^[\p{L}\p{N}@%+=:,./_-]+$/u.test(path)
  return `${plain ? path : `'${path.replaceAll("'", "'\\''")}'`} `
}

export interface Upload {
  readonly id: number
  readonly name: string
  // Share that was sent, 0 to 1.
  readonly done: number
}
