// The page's own keys. The terminal owns all others.
import { Dialog } from '../ui/dialog.tsx'

const kApple = /Mac|iPhone|iPad/.test(navigator.platform)
export const kModifier = kApple ? '⌘' : 'Ctrl'

const kKeys: readonly (readonly [readonly string[], string])[] = [
  [['?'], 'This help, outside of terminals and fields'],
  [[kModifier, 'Shift', 'F'], 'Search the terminal'],
  [['/'], 'Search the transcript'],
  [['Home'], 'In the transcript: its beginning'],
  [['End'], 'In the transcript: its end, which it then follows'],
  [[kModifier, 'Shift', '↑'], 'Leave the terminal: the focus goes to the tabs above it'],
  [[kModifier, 'Shift', 'C'], 'Copy what is selected in the terminal'],
  [[kModifier, 'Shift', 'V'], 'Paste into the terminal'],
  [['Shift', 'Enter'], 'A line break in Claude Code'],
  [['Shift', 'drag'], 'Select text when a program takes the mouse'],
]

export function KeyboardHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <table className="keys">
        <thead className="only-heard">
          <tr>
            <th>Keys</th>
            <th>What they do</th>
          </tr>
        </thead>
        <tbody>
          {kKeys.map(([keys, what]) => (
            <tr key={what}>
              <td>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </td>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  )
}
