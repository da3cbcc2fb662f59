// The dashboard's mark.
export function Mark({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="7" fill="#10262b" />
      <g fill="none" stroke="#6fe0d6" strokeWidth="3" strokeLinecap="round" strokeLinejoin="round">
        <path d="M8 11l5.5 5L8 21" />
        <path d="M16.5 21.5H24" />
      </g>
      <circle cx="24" cy="10" r="2.75" fill="#f3b65b" />
    </svg>
  )
}
