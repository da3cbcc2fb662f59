// A command line typed in one field becomes words, as shown in the chips.
import { describe, expect, it } from 'vitest'
import { parseArgv } from './argv.ts'

describe('a command line', () => {
  it.each([
    ['', []],
    ['  ', []],
    ['bash', ['bash']],
    ['  claude   --model opus ', ['claude', '--model', 'opus']],
    ['sh -c "echo $HOME; ls | wc"', ['sh', '-c', 'echo $HOME; ls | wc']],
    ["a 'b \"c' d", ['a', 'b "c', 'd']],
    ['a\\ b "c\\"d" \'e\\f\'', ['a b', 'c"d', 'e\\f']],
    ['a"b c"d', ['ab cd']],
    ['a "" b', ['a', '', 'b']],
    ['$(x) `y` && z', ['$(x)', '`y`', '&&', 'z']],
  ])('%j is %j', (line, argv) => {
    expect(parseArgv(line)).toEqual({ argv, fault: null })
  })

  it('that is not complete says why', () => {
    expect(parseArgv('a "b').fault).toMatch(/quote/)
    expect(parseArgv("a 'b").fault).toMatch(/quote/)
    expect(parseArgv('a\\').fault).toMatch(/backslash/)
  })
})
