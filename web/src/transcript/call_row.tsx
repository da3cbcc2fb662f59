// A tool's call: one line that says what was done, and unfolded what it was given and what came of it.
import { Bot, CircleAlert, CircleCheck, CircleDashed, CircleSlash, FilePen, ListTodo, MessageCircleQuestion, Square, SquareCheck, SquareDot } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Entry } from '../wire/transcript.ts'
import { useTranscript } from './context.ts'
import { patchOf } from './diff.ts'
import { Markdown } from './markdown.tsx'
import { Diff, Fold, Json, LongText, Media, useWholeLine, WaitingOrFailed } from './pieces.tsx'
import type { Answer, Row } from './rows.ts'
import { SubagentFold } from './subagent.tsx'
import { agentOf, callWords, fields, oneLine, questionsOf, shortPath, todosOf } from './words.ts'

type CallRow = Extract<Row, { kind: 'call' }>
type Block = Entry['blocks'][number]

const kEdits = ['Edit', 'MultiEdit', 'Write']
// What these say is meant for a person: it is in sight at once.
const kForPeople = ['ExitPlanMode', 'AskUserQuestion', 'TodoWrite']

type Outcome = 'running' | 'done' | 'failed' | 'none'

const kOutcomes: Record<Outcome, { icon: typeof CircleCheck; word: string }> = {
  running: { icon: CircleDashed, word: 'running' },
  done: { icon: CircleCheck, word: 'done' },
  failed: { icon: CircleAlert, word: 'failed' },
  none: { icon: CircleSlash, word: 'no result' },
}

function durationWords(from: number | null, to: number | null): string {
  if (from === null || to === null || to < from) return ''
  const ms = (to - from) / 1_000
  if (ms < 1_000) return ''
  const seconds = Math.round(ms / 1_000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

function Change({ added, removed }: { added: number; removed: number }) {
  return (
    <span className="change">
      <span className="added" aria-label={`${added} lines added`}>
        +{added}
      </span>{' '}
      <span className="removed" aria-label={`${removed} lines removed`}>
        −{removed}
      </span>
    </span>
  )
}

const kTodoMarks = {
  completed: { icon: SquareCheck, word: 'done' },
  in_progress: { icon: SquareDot, word: 'in progress' },
  pending: { icon: Square, word: 'to do' },
}

export function Todos({ input }: { input: unknown }) {
  return (
    <ul className="todos">
      {todosOf(input).map(({ content, status }, at) => {
        const { icon: Icon, word } = kTodoMarks[status as keyof typeof kTodoMarks] ?? kTodoMarks.pending
        return (
          <li key={at} data-status={status}>
            <Icon size={16} aria-hidden />
            <span className="only-heard">{word}: </span>
            {content}
          </li>
        )
      })}
    </ul>
  )
}

function Questions({ input, result }: { input: unknown; result: unknown }) {
  const answers = fields(fields(result).answers)
  return (
    <div className="questions">
      {questionsOf(input).map(({ question, options }, at) => {
        const answer = answers[question]
        const chosen = typeof answer === 'string' ? answer : null
        const isOption = options.some(({ label }) => label === chosen)
        return (
          <div key={at}>
            <p className="question">{question}</p>
            <ul>
              {options.map(({ label, description }) => (
                <li key={label} data-chosen={label === chosen}>
                  {label}
                  {label === chosen && <span className="only-heard"> (chosen)</span>}
                  {description !== '' && <span className="quiet"> {description}</span>}
                </li>
              ))}
              {chosen !== null && !isOption && <li data-chosen>{chosen}</li>}
            </ul>
          </div>
        )
      })}
    </div>
  )
}

// What a tool answered, as text and images.
export function AnswerBody({ id, answer }: { id: string; answer: Answer }) {
  const { entry, block, media } = answer
  const { text, cut, bytes, failed } = entry.blocks[block] as Block
  const line = useWholeLine(entry, false)
  const whole = async () => (await line.refetch()).data?.blocks[block]?.text ?? text
  return (
    <>
      {text !== '' && (
        <LongText id={id} className={failed ? 'failed' : ''} text={text} cutAt={cut ? bytes : undefined} whole={whole} label="Copy the result" />
      )}
      <Media entry={entry} blocks={media} />
      {text === '' && media.length === 0 && <p className="quiet">It said nothing.</p>}
    </>
  )
}

function Input({ id, tool, input }: { id: string; tool: string; input: unknown }): ReactNode {
  const given = fields(input)
  if (tool === 'Bash' && typeof given.command === 'string') {
    return (
      <>
        {typeof given.description === 'string' && <p className="quiet">{given.description}</p>}
        <LongText id={`${id}.in`} className="command" text={given.command} label="Copy the command" />
      </>
    )
  }
  if ((tool === 'Agent' || tool === 'Task') && typeof given.prompt === 'string') {
    return <LongText id={`${id}.in`} className="said" text={given.prompt} label="Copy the prompt" />
  }
  // Which file it was says the line above already.
  const known = tool === 'Read' ? ['file_path'] : []
  if (Object.keys(given).every((key) => known.includes(key))) return null
  return <Json id={`${id}.in`} value={input} />
}

function Body({ id, row, block, input, result }: { id: string; row: CallRow; block: Block; input: unknown; result: unknown }): ReactNode {
  const { tool, toolId } = block
  const { subagents } = useTranscript()
  const { answer } = row
  const failed = answer !== null && (answer.entry.blocks[answer.block] as Block).failed
  const output = answer === null ? null : <AnswerBody id={`${id}.out`} answer={answer} />
  if (kEdits.includes(tool)) {
    const patch = patchOf(tool, input, result)
    return (
      <>
        {patch === null ? <Input id={id} tool={tool} input={input} /> : <Diff id={id} patch={patch} />}
        {failed && output}
      </>
    )
  }
  if (tool === 'TodoWrite') return failed ? <><Todos input={input} />{output}</> : <Todos input={input} />
  if (tool === 'AskUserQuestion') return <><Questions input={input} result={result} />{failed && output}</>
  if (tool === 'ExitPlanMode') {
    const { plan } = fields(input)
    return (
      <>
        {typeof plan === 'string' && <Markdown text={plan} />}
        {failed && output}
      </>
    )
  }
  const agent = agentOf(result) || (subagents.get(toolId)?.id ?? '')
  return (
    <>
      <Input id={id} tool={tool} input={input} />
      {agent !== '' && <SubagentFold id={id} agent={agent} />}
      {output}
    </>
  )
}

// What was cut of the call or its result is fetched when somebody looks.
function WholeBody({ id, row, block }: { id: string; row: CallRow; block: Block }) {
  const { answer } = row
  const call = useWholeLine(row.entry, block.cut)
  const resultCut = answer !== null && answer.entry.resultCut
  const result = useWholeLine(answer?.entry ?? row.entry, resultCut)
  const waits = (block.cut && call.data === undefined) || (resultCut && result.data === undefined)
  if (waits) {
    return (
      <WaitingOrFailed
        what="the whole call"
        error={call.error ?? result.error}
        onAgain={() => {
          void call.refetch()
          void result.refetch()
        }}
      />
    )
  }
  const input = block.cut ? (call.data?.blocks[row.block]?.input ?? block.input) : block.input
  const own = resultCut ? (result.data?.result ?? null) : (answer?.entry.result ?? null)
  return <Body id={id} row={row} block={block} input={input} result={own} />
}

function iconOf(tool: string) {
  if (kEdits.includes(tool)) return FilePen
  if (tool === 'Agent' || tool === 'Task') return Bot
  if (tool === 'AskUserQuestion') return MessageCircleQuestion
  return tool === 'TodoWrite' || tool.startsWith('Task') ? ListTodo : null
}

export function CallView({ row }: { row: CallRow }) {
  const { project, running } = useTranscript()
  const { answer } = row
  const block = row.entry.blocks[row.block] as Block
  const result = answer?.entry.result ?? null
  const { name, what, change } = callWords(block.tool, block.input, result, project)
  const said = answer === null ? null : (answer.entry.blocks[answer.block] as Block)
  const outcome: Outcome = said !== null ? (said.failed ? 'failed' : 'done') : running && !row.over ? 'running' : 'none'
  const { icon: Icon, word } = kOutcomes[outcome]
  const Tool = iconOf(block.tool)
  const took = durationWords(row.entry.at, answer?.entry.at ?? null)
  const openAtFirst = kForPeople.includes(block.tool) || (answer !== null && answer.media.length > 0)
  const line = (
    <span className="call-line">
      <span className={`outcome ${outcome}`} title={word}>
        <Icon size={14} aria-hidden />
        <span className="only-heard">{word}: </span>
      </span>
      <span className="call-name">
        {Tool !== null && <Tool size={14} aria-hidden />}
        {name}
      </span>{' '}
      <span className="call-what mono">{what}</span>
      {change !== null && <Change {...change} />}
      {took !== '' && <span className="call-took">{took}</span>}
      {outcome === 'failed' && <span className="call-failed">{oneLine(said?.text ?? '')}</span>}
    </span>
  )
  return (
    <Fold id={row.key} className="call" line={line} openAtFirst={openAtFirst}>
      {() => <WholeBody id={row.key} row={row} block={block} />}
    </Fold>
  )
}

// A result whose call lies further up, in what was read before or is not loaded.
export function AnswerView({ row }: { row: Extract<Row, { kind: 'answer' }> }) {
  const { project } = useTranscript()
  const { answer } = row
  const { text, failed } = answer.entry.blocks[answer.block] as Block
  const path = fields(answer.entry.result).filePath
  const { icon: Icon, word } = kOutcomes[failed ? 'failed' : 'done']
  const line = (
    <span className="call-line">
      <span className={`outcome ${failed ? 'failed' : 'done'}`} title={word}>
        <Icon size={14} aria-hidden />
        <span className="only-heard">{word}: </span>
      </span>
      <span className="call-name">Result of a call above</span>{' '}
      <span className="call-what mono">{typeof path === 'string' ? shortPath(path, project) : oneLine(text)}</span>
    </span>
  )
  return (
    <Fold id={row.key} className="call" line={line}>
      {() => <AnswerBody id={row.key} answer={answer} />}
    </Fold>
  )
}
