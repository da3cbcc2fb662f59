// Requests to the dashboard's own origin, with one renewal of the login when it has expired.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    // The field of the request that is wrong.
    readonly field: string | null = null,
    // Seconds until it makes sense to ask again.
    readonly retryAfter: number | null = null,
    // What else the answer says of it, by name.
    readonly more: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

export const isUnauthorized = (error: unknown): boolean => error instanceof ApiError && error.status === 401

export interface HttpOptions {
  fetch: typeof fetch
  // Renews the login unless that happened since `asked` (milliseconds); false when it cannot be renewed.
  renew: (asked: number) => Promise<boolean>
  now: () => number
}

export interface RequestOptions {
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

const kNoAnswer = 'The dashboard does not answer. What you see stays; it will be tried again when it is back.'

async function toError(response: Response): Promise<ApiError> {
  const retry = Number(response.headers.get('retry-after') ?? Number.NaN)
  const retryAfter = Number.isFinite(retry) ? retry : null
  try {
    const { error } = (await response.json()) as {
      error: { code?: string; message?: string; field?: string; retry_after?: number; [name: string]: unknown }
    }
    return new ApiError(
      response.status,
      error.code ?? 'unknown',
      error.message ?? `The dashboard answered ${response.status}.`,
      error.field ?? null,
      error.retry_after ?? retryAfter,
      error,
    )
  } catch {
    return new ApiError(response.status, 'unknown', `The dashboard answered ${response.status}.`, null, retryAfter)
  }
}

export class Http {
  constructor(private readonly options: HttpOptions) {}

  // Renews the login unless that happened since `asked`, in the clock of now(); false when it cannot be renewed.
  renew(asked: number): Promise<boolean> {
    return this.options.renew(asked)
  }

  now(): number {
    return this.options.now()
  }

  async json<T>(method: string, path: string, request: RequestOptions = {}): Promise<T> {
    const response = await this.raw(method, path, request)
    if (response.status === 204) return undefined as T
    return (await response.json()) as T
  }

  // The response when it is good, else an ApiError.
  async raw(method: string, path: string, request: RequestOptions = {}): Promise<Response> {
    const asked = this.options.now()
    const first = await this.send(method, path, request)
    if (first.ok) return first
    const error = await toError(first)
    // What the auth routes say is their answer, not an expired login.
    if (error.status !== 401 || error.code !== 'unauthorized' || path.startsWith('/api/auth/')) throw error
    if (!(await this.options.renew(asked))) throw error
    const second = await this.send(method, path, request)
    if (second.ok) return second
    throw await toError(second)
  }

  private async send(method: string, path: string, request: RequestOptions): Promise<Response> {
    const hasBody = request.body !== undefined
    try {
      return await this.options.fetch(path, {
        method,
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        headers: {
          accept: 'application/json',
          ...(hasBody ? { 'content-type': 'application/json' } : {}),
          ...request.headers,
        },
        ...(hasBody ? { body: JSON.stringify(request.body) } : {}),
        ...(request.signal ? { signal: request.signal } : {}),
      })
    } catch (cause) {
      if (request.signal?.aborted) throw cause
      throw new ApiError(0, 'unreachable', kNoAnswer)
    }
  }
}
