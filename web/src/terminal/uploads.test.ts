// Images that become files.
import { describe, expect, it } from 'vitest'
import { kMaxImageBytes, refusal, typedPath } from './uploads.ts'

describe('uploads', () => {
  it.each([
    ['/home/ada/project/.uploads/shot.png', '/home/ada/project/.uploads/shot.png '],
    ['/home/ada/my shot.png', "'/home/ada/my shot.png' "],
    ["/tmp/it's.png", "'/tmp/it'\\''s.png' "],
    ['/tmp/$(rm).png', "'/tmp/$(rm).png' "],
    ['/tmp/日本.png', '/tmp/日本.png '],
  ])('types %s so that it stays one word', (path, typed) => expect(typedPath(path)).toBe(typed))

  it('takes images of four kinds up to a size, and says why not', () => {
    const file = { name: 'a.png', type: 'image/png', size: kMaxImageBytes }
    expect(refusal(file)).toBeNull()
    expect(refusal({ ...file, size: kMaxImageBytes + 200_000 })).toMatch(/a\.png .* 10\.2 MB/)
    expect(refusal({ ...file, type: 'image/heic' })).toMatch(/PNG, JPEG/)
    expect(refusal({ ...file, name: '', type: '' })).toMatch(/^The image/)
  })
})
