// Files of all roots.
import { useConnection } from '../services.tsx'
import { ConnectionLine } from '../ui/states.tsx'
import { lastPart } from '../ui/text.ts'
import { FilesView } from './files_view.tsx'
import { useTitle } from './hooks.ts'
import { addressOf, go } from './router.tsx'

export function FilesPage({ path }: { path: string | null }) {
  const connection = useConnection()
  useTitle(path === null ? 'Files' : lastPart(path))
  return (
    <div className="files-page">
      <header className="page-head">
        <h1>Files</h1>
        <ConnectionLine connection={connection.word} />
      </header>
      <FilesView root={null} path={path} onOpen={(next) => go(addressOf({ kind: 'files', path: next }))} />
    </div>
  )
}
