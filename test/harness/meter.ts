// SPDX-License-Identifier: Apache-2.0
// What processes use, read from /proc.
import { readFileSync } from 'node:fs'

export type Usage = { cpuUs: number; rssMb: number; peakRssMb: number }

/** USER_HZ is 100 on every Linux that Node runs on. */
const US_PER_TICK = 10_000

/** CPU of all threads since the start; RSS now and its high-water mark. Throws when the process is gone. */
export function usage(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024
  return {
    cpuUs: (Number(fields[11]) + Number(fields[12])) * US_PER_TICK,
    rssMb: mb('VmRSS'),
    peakRssMb: mb('VmHWM'),
  }
}
