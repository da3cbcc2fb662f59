// How the page is built, served while developing, and tested.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { contract } from './build/contract.ts'
import { licences } from './build/licences.ts'
import { precompressed } from './build/precompressed.ts'
import { worker } from './build/worker.ts'

const server = process.env.DASHBOARD_URL ?? 'http://127.0.0.1:3000'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), licences(), contract(), worker(), precompressed()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The oldest browsers that know light-dark(), oklch() and the popover of a native dialog.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // The policy allows fonts and images from this origin only, never as data: inside a stylesheet.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': server, '/health': server, '/ws': { target: server, ws: true } },
  },
  test: {
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'build/**/*.test.ts'],
    environment: 'node',
    testTimeout: 10_000,
  },
})
