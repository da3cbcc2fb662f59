// What the page does for notifications while it is open: keeps this browser subscribed, and goes where a tapped one leads.
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useServices } from '../services.tsx'
import { readNotify, type NotifyOverview } from '../wire/notify.ts'
import type { User } from '../wire/types.ts'
import { keepSubscribed, onOpened } from './push_browser.ts'
import { go } from './router.tsx'

export const kNotifyQuery = ['notify']

export function useNotifyOverview() {
  const { http } = useServices()
  return useQuery<NotifyOverview>({ queryKey: kNotifyQuery, queryFn: () => readNotify(http) })
}

export function useNotifications(user: User): void {
  const { http } = useServices()
  const key = useNotifyOverview().data?.application_server_key
  useEffect(() => onOpened(go), [])
  useEffect(() => {
    // What goes wrong here is shown where notifications are set up.
    if (key !== undefined) keepSubscribed(http, user.id, key).catch(() => undefined)
  }, [http, user.id, key])
}
