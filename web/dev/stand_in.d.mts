// The types of stand_in.mjs, as far as the tests use it.
export const kPolicy: string

export interface StandInSession {
  info: { id: string; name: string; cols: number; rows: number }
  log: Buffer
  input: Buffer
  others: object[]
  output(bytes: Buffer): void
  tellPeople(): void
  transcript: { add(entry: object): object; entries: object[]; file: string }
}

export class StandIn {
  skim: boolean
  delay: number
  role: string
  uploads: { named: string; bytes: Buffer }[]
  constructor(options?: { loggedIn?: boolean; setup?: boolean; dist?: string | null; root?: string })
  port: number
  refreshes: number
  accessValid: boolean
  loggedIn: boolean
  sockets: Set<unknown>
  presences: { visible: boolean; idle_ms: number }[]
  listen(port?: number): Promise<this>
  close(): Promise<void>
  cut(): void
  closeSockets(code: number): void
  addSession(fields: object, withProgram?: boolean): StandInSession
}
