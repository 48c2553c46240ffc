// Loaded into a node before its command line: its clock is QUADRILLE_CLOCK_MS milliseconds off, and each SIGUSR2 makes it leap
// by QUADRILLE_CLOCK_LEAP_MS. Only the wall clock: what measures how long things take goes on as it does.

let offMs = Number(process.env['QUADRILLE_CLOCK_MS'] ?? 0)
const leapMs = Number(process.env['QUADRILLE_CLOCK_LEAP_MS'] ?? 0)
const rightNow = Date.now

Date.now = () => rightNow() + offMs

process.on('SIGUSR2', () => {
  offMs += leapMs
})
