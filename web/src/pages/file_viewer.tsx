// One file: text with line numbers, or the facts about it, and a way to download it.
import { useQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Binary, Copy, Download, File, Folder } from 'lucide-react'
import { useMemo, useRef, type ReactNode } from 'react'
import { useServices } from '../services.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Empty, Notice, useTelling, Waiting } from '../ui/feedback.tsx'
import { bytesText, lastPart } from '../ui/text.ts'
import { Ago } from '../ui/time.tsx'
import { fileAddress, kViewBytes, read, type FileHead } from '../wire/api.ts'
import type { Folder as Listing } from '../wire/types.ts'
import { toLines, toText } from './file_text.ts'
import { inOrder, isFolder, join } from './tree_rows.ts'

const kLinePixels = 20

function Head({ path, file, text }: { path: string; file: FileHead | null; text: string | null }) {
  const { tell } = useTelling()
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text ?? '')
      tell('Copied.', 'good')
    } catch {
      tell('The browser does not let this page write the clipboard.', 'warning')
    }
  }
  return (
    <header className="file-head">
      <div className="file-title">
        <h2 className="clip" title={path}>
          {lastPart(path)}
        </h2>
        <p className="clip clip-start mono" title={path}>
          <bdi>{path}</bdi>
        </p>
      </div>
      {file !== null && (
        <>
          <span className="file-fact">{bytesText(file.size)}</span>
          {file.modified !== null && (
            <span className="file-fact">
              <Ago micros={file.modified} />
            </span>
          )}
          {text !== null && (
            <IconButton label="Copy the text" small icon={<Copy size={16} aria-hidden />} onClick={() => void copy()} />
          )}
          <a className="button small" href={fileAddress(path)} download={lastPart(path)}>
            <Download size={16} aria-hidden />
            Download
          </a>
        </>
      )}
    </header>
  )
}

function Lines({ lines }: { lines: readonly string[] }) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => kLinePixels,
    overscan: 40,
  })
  const digits = String(lines.length).length
  const longest = useMemo(() => lines.reduce((most, line) => Math.max(most, line.length), 0), [lines])
  const size = { height: virtual.getTotalSize(), minWidth: `calc(${digits + longest + 6} * 1ch)` }
  return (
    <div className="file-scroller" ref={scroller} tabIndex={0} role="region" aria-label="File content">
      <div className="file-lines mono" style={size}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div key={index} className="file-line" style={{ transform: `translateY(${start}px)` }}>
            <span className="file-number" style={{ width: `${digits + 2}ch` }} aria-hidden>
              {index + 1}
            </span>
            <code>{lines[index]}</code>
          </div>
        ))}
      </div>
    </div>
  )
}

function Content({ path, file, text }: { path: string; file: FileHead; text: string | null }) {
  const content = useMemo(() => (text === null ? null : toLines(text)), [text])
  if (content === null) {
    return (
      <Empty icon={<Binary size={28} aria-hidden />} title="Not a text file">
        <p>
          {lastPart(path)} has {bytesText(file.size)} of something else than text. It can be downloaded.
        </p>
      </Empty>
    )
  }
  if (file.size === 0) {
    return (
      <Empty icon={<File size={28} aria-hidden />} title="Empty file">
        <p>There is nothing in it.</p>
      </Empty>
    )
  }
  const partly = file.size > file.bytes.length
  return (
    <>
      {(partly || content.cut) && (
        <div className="files-note">
          <Notice tone="warning">
            {partly && `Only the first ${bytesText(kViewBytes)} are shown; the whole file is a download. `}
            {content.cut && 'Very long lines are cut.'}
          </Notice>
        </div>
      )}
      <Lines lines={content.lines} />
    </>
  )
}

function LinkedFolder({ path, listing, onOpen }: { path: string; listing: Listing; onOpen: (path: string) => void }) {
  return (
    <div className="files-note">
      <p className="quiet">A folder with {listing.entries.length} entries.</p>
      <ul className="folder-list">
        {inOrder(listing.entries).map((entry) => (
          <li key={entry.name}>
            <Button
              small
              kind="quiet"
              icon={isFolder(entry) ? <Folder size={16} aria-hidden /> : <File size={16} aria-hidden />}
              onClick={() => onOpen(join(path, entry.name))}
            >
              {entry.name}
            </Button>
          </li>
        ))}
      </ul>
    </div>
  )
}

export function FileViewer({ path, onOpen }: { path: string; onOpen: (path: string) => void }) {
  const { http } = useServices()
  const found = useQuery({ queryKey: ['file', path], queryFn: ({ signal }) => read(http, path, signal) })
  const file = found.data?.kind === 'file' ? found.data : null
  const text = useMemo(
    () => (file === null ? null : toText(file.bytes, file.bytes.length === file.size)),
    [file],
  )
  let body: ReactNode
  if (found.isError) {
    body = (
      <div className="files-note">
        <Notice tone="danger" actions={<Button small onClick={() => void found.refetch()}>Try again</Button>}>
          {found.error.message}
        </Notice>
      </div>
    )
  } else if (found.data === undefined) {
    body = <Waiting what="the file" />
  } else if (file === null) {
    body = <LinkedFolder path={path} listing={found.data as Listing} onOpen={onOpen} />
  } else {
    body = <Content path={path} file={file} text={text} />
  }
  return (
    <article className="file" aria-label={lastPart(path)}>
      <Head path={path} file={file} text={text} />
      {body}
    </article>
  )
}
