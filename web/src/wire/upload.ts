// Sends a file's bytes and tells how far it is. Requests made with fetch cannot tell.
import { ApiError, type Http } from './http.ts'

export interface UploadRequest {
  session: string
  file: Blob
  name: string
  // Share that was sent, 0 to 1.
  onProgress: (done: number) => void
  signal: AbortSignal
}

interface Answer {
  status: number
  text: string
}

const kUnreachable = 'The dashboard does not answer. Nothing was uploaded; try it again.'

function send({ session, file, name, onProgress, signal }: UploadRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', `/api/sessions/${encodeURIComponent(session)}/uploads`)
    request.setRequestHeader('accept', 'application/json')
    request.setRequestHeader('content-type', file.type)
    if (name !== '') request.setRequestHeader('x-file-name', encodeURIComponent(name))
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0)
    request.onload = () => resolve({ status: request.status, text: request.responseText })
    request.onerror = () => reject(new ApiError(0, 'unreachable', kUnreachable))
    request.onabort = () => reject(new DOMException('The upload was stopped.', 'AbortError'))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}

function toError({ status, text }: Answer): ApiError {
  try {
    const { error } = JSON.parse(text) as { error: { code?: string; message?: string } }
    return new ApiError(status, error.code ?? 'unknown', error.message ?? `The dashboard answered ${status}.`)
  } catch {
    return new ApiError(status, 'unknown', `The dashboard answered ${status}.`)
  }
}

// The absolute path of the file that the image has become.
export async function uploadImage(http: Http, request: UploadRequest): Promise<string> {
  const asked = http.now()
  let answer = await send(request)
  if (answer.status === 401 && (await http.renew(asked))) answer = await send(request)
  if (answer.status !== 201) throw toError(answer)
  const { path } = JSON.parse(answer.text) as { path?: unknown }
  if (typeof path !== 'string' || path === '') throw new ApiError(201, 'malformed', 'The dashboard’s answer is no path.')
  return path
}
