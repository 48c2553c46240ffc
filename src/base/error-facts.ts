// What may be told of an error that nobody expected: its kind and where it came from. What it says may quote anything.

/** ENOSPC, TypeError: a word, or nothing. */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const code = (error as { readonly code?: unknown }).code
  const said = typeof code === 'string' ? code : error.name
  return /^[A-Za-z][A-Za-z0-9_]{0,60}$/.test(said) ? said : 'Error'
}

/** The first calls of its stack: functions and places in files, without the message above them. */
export function placesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  const { stack = '', message } = error
  return stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .filter((line) => /^ {4}at [^\s(]+ ?(\(|$)?\S*:\d+:\d+\)?$/.test(line) || /^ {4}at .*\(\S+:\d+:\d+\)$/.test(line))
    .slice(0, 12)
    .map((line) => line.trim().slice(3))
}
