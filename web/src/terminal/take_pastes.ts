// What is pasted into or dropped on an element: text, or files.

export interface Pastes {
  text(text: string): void
  files(files: readonly File[]): void
  // Files are held over the element, or no longer.
  dragging(is: boolean): void
  // Whether it takes anything now.
  takes(): boolean
}

const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true

export function takePastes(element: HTMLElement, pastes: Pastes): () => void {
  const paste = (event: ClipboardEvent) => {
    event.preventDefault()
    event.stopPropagation()
    const text = event.clipboardData?.getData('text/plain') ?? ''
    const files = [...(event.clipboardData?.files ?? [])]
    // A copied cell of a table is text and a picture of it: the text is meant.
    if (text === '' && files.length > 0 && pastes.takes()) pastes.files(files)
    else pastes.text(text)
  }
  const over = (event: DragEvent) => {
    if (!holdsFiles(event) || !pastes.takes()) return
    event.preventDefault()
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'copy'
    pastes.dragging(true)
  }
  const leave = (event: DragEvent) => {
    if (!element.contains(event.relatedTarget as Node | null)) pastes.dragging(false)
  }
  const drop = (event: DragEvent) => {
    if (!holdsFiles(event)) return
    event.preventDefault()
    pastes.dragging(false)
    if (pastes.takes()) pastes.files([...(event.dataTransfer?.files ?? [])])
  }
  // Beside the element a dropped file would be opened instead of the page.
  const beside = (event: DragEvent) => {
    if (event.defaultPrevented || !holdsFiles(event)) return
    event.preventDefault()
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = 'none'
  }
  window.addEventListener('dragover', beside)
  window.addEventListener('drop', beside)
  // Before xterm's own handler: what is pasted is cleaned and, if need be, asked about.
  element.addEventListener('paste', paste, true)
  element.addEventListener('dragover', over)
  element.addEventListener('dragleave', leave)
  element.addEventListener('drop', drop)
  return () => {
    window.removeEventListener('dragover', beside)
    window.removeEventListener('drop', beside)
    element.removeEventListener('paste', paste, true)
    element.removeEventListener('dragover', over)
    element.removeEventListener('dragleave', leave)
    element.removeEventListener('drop', drop)
  }
}
