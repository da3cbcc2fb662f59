// Addresses of the page and what they lead to.
import { describe, expect, it } from 'vitest'
import { addressOf, placeOf, type Place } from './router.tsx'

describe('addresses', () => {
  const places: Exclude<Place, { kind: 'nowhere' }>[] = [
    { kind: 'fleet' },
    { kind: 'files', path: null },
    { kind: 'notifications' },
    { kind: 'conversations' },
    { kind: 'files', path: '/a b/ü&?#/c' },
    { kind: 'session', name: 'api-auth', tab: 'terminal', path: null },
    { kind: 'session', name: 'a/b ?', tab: 'files', path: null },
    { kind: 'session', name: 'x', tab: 'files', path: '/srv/a.txt' },
    { kind: 'session', name: 'x', tab: 'transcript', path: null, line: null },
    { kind: 'session', name: 'x', tab: 'transcript', path: null, line: 104_857_600 },
  ]
  it.each(places.map((place) => [addressOf(place), place]))('%s means its place', (address, place) => {
    const url = new URL(address as string, 'http://here')
    expect(placeOf(url.pathname, url.search)).toEqual(place)
  })

  it('that mean nothing are nowhere', () => {
    for (const path of ['/x', '/s', '/s/', '/s/%E0%A4%A', '/s/a/changes', '/s/a/transcript/x', '/files/x', '/settings', '/settings/x']) {
      expect(placeOf(path, '')).toEqual({ kind: 'nowhere' })
    }
  })
})
