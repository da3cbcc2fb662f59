// What a project brings for Claude Code, to be read before the first session in it: what it starts first, then the files.
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, FileText, ShieldCheck } from 'lucide-react'
import { useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice, Waiting } from '../ui/feedback.tsx'
import { counted } from '../ui/text.ts'
import { readSettings, type Finding, type ProjectSettings, type SettingsFile, type Unseen } from '../wire/lifecycle.ts'
import './settings_review.css'

const kKinds: Record<Finding['kind'], { title: string; meaning: string }> = {
  program: { title: 'Programs', meaning: 'Run on this machine as the agents’ user, without a question.' },
  server: { title: 'MCP servers', meaning: 'Started or spoken to; the agent gets their tools.' },
  environment: { title: 'Variables', meaning: 'Set for the client and everything it starts.' },
  permission: { title: 'Permissions', meaning: 'What may be done without asking, and in which mode it begins.' },
  plugin: { title: 'Plugins', meaning: 'Bring more of all this from elsewhere.' },
  other: { title: 'Other settings', meaning: '' },
}
const kOrder = Object.keys(kKinds) as Finding['kind'][]

const keyOf = ({ kind, where, text }: Finding) => `${kind}\n${where}\n${text}`

function Findings({ kind, findings, fresh }: { kind: Finding['kind']; findings: readonly Finding[]; fresh: ReadonlySet<string> }) {
  const { title, meaning } = kKinds[kind]
  return (
    <section className="findings" data-kind={kind}>
      <h3>{title}</h3>
      {meaning !== '' && <p className="hint">{meaning}</p>}
      <dl>
        {findings.map((finding) => (
          <div key={keyOf(finding)}>
            <dt>
              {finding.where}
              {fresh.has(keyOf(finding)) && <span className="fresh">new</span>}
            </dt>
            <dd className="mono">{finding.text}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function File({ file }: { file: SettingsFile }) {
  return (
    <li>
      <details>
        <summary>
          <FileText size={14} aria-hidden />
          <span className="clip mono" title={file.path}>
            {file.path}
          </span>
          {file.fresh && <span className="fresh">changed</span>}
          <span className="hint">{file.words ? 'for the model' : counted(file.findings.length, 'setting')}</span>
        </summary>
        {file.trouble !== null && <Notice tone="warning">It cannot be shown: {file.trouble}.</Notice>}
        {file.text !== '' && (
          <pre className="mono" tabIndex={0} aria-label={file.name}>
            {file.text}
            {file.cut && '\n…'}
          </pre>
        )}
        {file.text === '' && file.trouble === null && <p className="hint">{counted(file.bytes, 'byte')}</p>}
      </details>
    </li>
  )
}

function Review({ settings }: { settings: ProjectSettings }) {
  const all = settings.files.flatMap((file) => file.findings)
  const fresh = new Set(settings.fresh.map(keyOf))
  const unreadable = settings.files.filter((file) => file.trouble !== null && !file.words)
  return (
    <div className="settings-review">
      <p>
        {settings.known && settings.complete
          ? 'The settings of this project have changed since they were accepted here.'
          : `This project brings settings of its own for Claude Code${settings.complete ? ', and nobody has accepted them here yet.' : '.'}`}{' '}
        Look through them when the project is not yours.
      </p>
      {unreadable.map((file) => (
        <Notice key={file.path} tone="warning">
          <span className="mono">{file.path}</span> cannot be shown: {file.trouble}. The client may read it all the same.
        </Notice>
      ))}
      {!settings.complete && (
        <Notice tone="warning">
          Not everything could be looked at, and what was not can change without being seen. So this is asked before every start here, and
          accepting it counts for this one alone.
          {settings.gaps.length > 0 && (
            <ul>
              {settings.gaps.map((gap) => (
                <li key={gap}>{gap}.</li>
              ))}
            </ul>
          )}
        </Notice>
      )}
      {all.length === 0 && settings.complete && unreadable.length === 0 && (
        <Notice tone="good">No setting in it starts a program or widens a permission. Programs that hooks and skills bring are among the files.</Notice>
      )}
      {kOrder.map((kind) => {
        const findings = all.filter((finding) => finding.kind === kind)
        return findings.length === 0 ? null : <Findings key={kind} kind={kind} findings={findings} fresh={fresh} />
      })}
      <section>
        <h3>Files</h3>
        <ul className="settings-files">
          {settings.files.map((file) => (
            <File key={file.path} file={file} />
          ))}
        </ul>
        {settings.left_out > 0 && <p className="hint">And {settings.left_out} more that are not listed here.</p>}
      </section>
    </div>
  )
}

// `digest`: of the state that is asked about. When the files have changed meanwhile, that is said instead.
function SettingsReview({ folder, digest }: { folder: string; digest: string }) {
  const { http } = useServices()
  const read = useQuery({ queryKey: ['settings', folder, digest], queryFn: () => readSettings(http, folder), staleTime: 0 })
  if (read.isPending) return <Waiting what="the project’s settings" />
  if (read.isError) return <Notice tone="danger">The settings could not be read. {read.error.message}</Notice>
  if (read.data.digest !== digest) {
    return <Notice tone="warning">The settings have changed just now. Go back and start again to see them.</Notice>
  }
  return <Review settings={read.data} />
}

interface ReviewDialogProps {
  unseen: Unseen
  busy: boolean
  verb: string
  onAccept: () => void
  onBack: () => void
  onClose: () => void
}

export function ReviewDialog({ unseen, busy, verb, onAccept, onBack, onClose }: ReviewDialogProps) {
  return (
    <Dialog
      wide
      title="What this project brings"
      onClose={onClose}
      footer={
        <>
          <Button icon={<ArrowLeft size={16} aria-hidden />} onClick={onBack} data-autofocus>
            Back
          </Button>
          <Button kind="primary" busy={busy} icon={<ShieldCheck size={16} aria-hidden />} onClick={onAccept}>
            {verb}
          </Button>
        </>
      }
    >
      <SettingsReview folder={unseen.folder} digest={unseen.digest} />
    </Dialog>
  )
}
