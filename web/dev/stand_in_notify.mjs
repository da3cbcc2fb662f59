// The stand-in's notifications: devices, preferences and webhooks in memory, enough to develop and picture their place.
import { randomBytes } from 'node:crypto'

const kKinds = ['permission', 'question', 'plan', 'done', 'failure', 'limit']
const micros = (secondsAgo = 0) => (Date.now() - secondsAgo * 1000) * 1000

export class StandInNotify {
  preferences = {
    push: kKinds,
    sound: [],
    webhook: kKinds,
    delay_seconds: 15,
    presence: true,
    contents: true,
    lock_screen: 'whole',
    quiet: { on: false, from: '22:00', to: '07:00', zone: 'UTC' },
  }
  devices = []
  webhooks = []
  deliveries = new Map()

  addDevice(fields) {
    const device = { id: randomBytes(10).toString('hex'), service: 'push.example.net', created_at: micros(), last_ok_at: null, last_error: '', current: true, ...fields }
    this.devices.push(device)
    return device
  }

  addWebhook(fields) {
    const webhook = { id: randomBytes(10).toString('hex'), created_at: micros(), last_ok_at: null, last_error: '', ...fields }
    this.webhooks.push(webhook)
    this.deliveries.set(webhook.id, [])
    return webhook
  }

  // True when the request was one of these.
  answer(method, path, fields, send, fail) {
    const [, id, rest] = /^\/api\/notify\/(?:devices|webhooks)\/([0-9a-f]+)(\/\w+)?$/.exec(path) ?? []
    const secret = () => `whsec_${randomBytes(32).toString('base64')}`
    if (path === '/api/notify') {
      const { preferences, devices } = this
      return send(200, { application_server_key: randomBytes(65).toString('base64url'), preferences, devices, private_addresses: true })
    }
    if (path === '/api/notify/preferences') return send(200, (this.preferences = { ...this.preferences, ...fields }))
    if (path === '/api/notify/devices') return send(201, this.addDevice({ name: fields.name }))
    if (path.startsWith('/api/notify/devices/')) {
      if (method === 'DELETE') this.devices = this.devices.filter((device) => device.id !== id)
      return send(204)
    }
    if (path === '/api/notify/webhooks') {
      if (method === 'GET') return send(200, { webhooks: this.webhooks })
      if (!fields.url.startsWith('https://')) return fail(400, 'invalid', 'url: the address must begin with https://', 'url')
      return send(201, { ...this.addWebhook(fields), secret: secret() })
    }
    const webhook = this.webhooks.find((known) => known.id === id)
    if (webhook === undefined) return fail(404, 'not_found', 'there is no such webhook')
    if (rest === '/deliveries') return send(200, { deliveries: this.deliveries.get(id) })
    if (rest === '/secret') return send(200, { ...webhook, secret: secret() })
    if (rest === '/test') return send(200, { id: 1, type: 'test', event: 'test', state: 'delivered', attempts: 1, created_at: micros(), next_at: null, finished_at: micros(), status: 200, error: '' })
    if (method === 'DELETE') this.webhooks = this.webhooks.filter((known) => known.id !== id)
    else Object.assign(webhook, fields)
    return method === 'DELETE' ? send(204) : send(200, webhook)
  }

  // Something of everything, for pictures.
  fill() {
    this.addDevice({ name: 'Chrome on Android', created_at: micros(86_400 * 12), last_ok_at: micros(1_800), current: false, service: 'fcm.googleapis.com' })
    this.addDevice({ name: 'Safari on iPhone', created_at: micros(86_400 * 40), current: false, service: 'web.push.apple.com', last_error: 'the push service answered 403' })
    const json = { name: 'ops-bot', url: 'https://hooks.example.org/agents?room=7', owner: 'everybody', format: 'json', kinds: kKinds, contents: true, private_addresses: false, in_quiet_hours: true, enabled: true, last_ok_at: micros(600) }
    const hook = this.addWebhook(json)
    this.addWebhook({ ...json, name: 'ntfy at home', url: 'http://192.168.1.20/agents', owner: 'me', format: 'text', private_addresses: true, enabled: false, last_ok_at: null, last_error: 'answered 503: no room' })
    const delivery = { id: 3, type: 'attention.opened', event: 'a1', state: 'delivered', attempts: 1, created_at: micros(600), next_at: null, finished_at: micros(599), status: 204, error: '' }
    this.deliveries.get(hook.id).push(
      { ...delivery, id: 5, state: 'waiting', attempts: 2, created_at: micros(40), next_at: micros(-80), finished_at: null, status: 503, error: 'answered 503: restarting' },
      { ...delivery, id: 4, type: 'attention.closed', created_at: micros(500) },
      delivery,
      { ...delivery, id: 2, type: 'test', state: 'failed', created_at: micros(4_000), status: null, error: 'hooks.example.org: SSL: no alternative certificate subject name matches' },
    )
  }
}
