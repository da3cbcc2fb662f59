// A tree of files beside the file that is open; on narrow screens one of the two.
import { ArrowLeft, FileText } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { Empty } from '../ui/feedback.tsx'
import { FileTree } from './file_tree.tsx'
import { FileViewer } from './file_viewer.tsx'
import './files.css'

interface FilesViewProps {
  // The folder the tree begins at; null: all roots.
  root: string | null
  path: string | null
  onOpen: (path: string | null) => void
}

export function FilesView({ root, path, onOpen }: FilesViewProps) {
  return (
    <div className="files" data-open={path !== null}>
      <div className="files-tree">
        <FileTree root={root} open={path} onOpen={onOpen} />
      </div>
      <div className="files-viewer">
        {path === null ? (
          <Empty icon={<FileText size={28} aria-hidden />} title="Nothing is open">
            <p>Choose a file to read it here.</p>
          </Empty>
        ) : (
          <>
            <Button
              small
              kind="quiet"
              className="files-back"
              icon={<ArrowLeft size={16} aria-hidden />}
              onClick={() => onOpen(null)}
            >
              All files
            </Button>
            <FileViewer key={path} path={path} onOpen={onOpen} />
          </>
        )}
      </div>
    </div>
  )
}
