// CSV as RFC 4180 says, safe to open in a spreadsheet: what could begin a formula becomes text.

/** One row with its line end. */
export function csvRow(cells: readonly (string | number)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

export function csvCell(value: string | number): string {
  const text = typeof value === 'number' ? String(value) : inert(value)
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}

/** Spreadsheets take a cell that begins so for a formula; an apostrophe before it makes it text. */
function inert(text: string): string {
  return /^\s*[=+\-@\t\r|%]/.test(text) ? `'${text}` : text
}
