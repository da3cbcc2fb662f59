// Starts the page.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import { App } from './pages/app.tsx'
import { ServicesProvider, startServices } from './services.tsx'
import { TellingProvider } from './ui/feedback.tsx'
import './ui/tokens.css'
import './ui/base.css'
import './ui/controls.css'
import { ApiError } from './wire/http.ts'

const kRetries = 3

// Only what may pass by itself is asked for again.
const passing = (error: unknown) => error instanceof ApiError && (error.status === 0 || error.status >= 500)

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, error) => passing(error) && count < kRetries,
      networkMode: 'always',
      refetchOnWindowFocus: false,
      staleTime: 5_000,
    },
  },
})

const element = document.getElementById('page')
if (element !== null) {
  createRoot(element).render(
    <ServicesProvider value={startServices()}>
      <QueryClientProvider client={queries}>
        <TellingProvider>
          <App />
        </TellingProvider>
      </QueryClientProvider>
    </ServicesProvider>,
  )
}
