// What is known of a whole transcript: how long it is, and what it has used.
import { useQuery } from '@tanstack/react-query'
import { Dialog } from '../ui/dialog.tsx'
import { bytesText, counted } from '../ui/text.ts'
import { exactTime } from '../ui/time.tsx'
import type { Http } from '../wire/http.ts'
import { isNoTranscript, readFacts, type TranscriptFacts, type TranscriptName } from '../wire/transcript.ts'
import { WaitingOrFailed } from './pieces.tsx'

const number = new Intl.NumberFormat()

function Facts({ facts }: { facts: TranscriptFacts }) {
  const rows: [string, string][] = [
    ['Prompts', number.format(facts.prompts)],
    ['Entries', `${number.format(facts.lines)}, ${bytesText(facts.bytes)}`],
    ['Compactions', number.format(facts.compactions)],
  ]
  if (facts.rawLines > 0) rows.push(['Not understood', counted(facts.rawLines, 'entry', 'entries')])
  if (facts.firstAt !== null) rows.push(['First entry', exactTime(facts.firstAt)])
  if (facts.lastAt !== null) rows.push(['Last entry', exactTime(facts.lastAt)])
  if (facts.costUsd !== null) rows.push(['Cost, as the client says', `$${facts.costUsd.toFixed(2)}`])
  return (
    <>
      {facts.read < facts.bytes && <p className="quiet">Read up to {bytesText(facts.read)} so far; open this again for the rest.</p>}
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {facts.usage.length > 0 && (
        <div className="table-scroller" tabIndex={0} role="region" aria-label="Tokens by model">
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Messages</th>
                <th scope="col">Input</th>
                <th scope="col">Output</th>
                <th scope="col">Cache read</th>
                <th scope="col">Cache written</th>
              </tr>
            </thead>
            <tbody>
              {facts.usage.map((usage) => (
                <tr key={usage.model}>
                  <th scope="row">{usage.model || 'others'}</th>
                  {[usage.messages, usage.input, usage.output, usage.cacheRead, usage.cacheWrite].map((value, at) => (
                    <td key={at}>{number.format(value)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}

export function FactsDialog({ http, name, onClose }: { http: Http; name: TranscriptName; onClose: () => void }) {
  const found = useQuery({ queryKey: ['transcript-facts', name.session, name.agent], queryFn: () => readFacts(http, name) })
  return (
    <Dialog title="About this transcript" wide onClose={onClose}>
      {found.data === undefined ? (
        <WaitingOrFailed what="the whole transcript to be read" error={found.error} onAgain={() => void found.refetch()} />
      ) : isNoTranscript(found.data) ? (
        <p>{found.data.reason}</p>
      ) : (
        <Facts facts={found.data} />
      )}
    </Dialog>
  )
}
