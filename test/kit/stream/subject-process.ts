// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Line } from './subject.ts'

export type SubjectProcess = AsyncDisposable & {
  /** The next line of this event, also if it was told already and not taken yet. */
  told(event: string): Promise<Line>
  readonly lines: readonly Line[]
  figures(): Promise<{ rssMost: number; counts: Record<string, number> }>
  /** How it ended: exit code, and what it wrote to standard error. */
  readonly ended: Promise<{ code: number | null; stderr: string }>
}

/** Starts subject.ts in a process of its own; ended at the close of the scope. */
export function startSubject(kind: 'kit' | 'bare', port: number): SubjectProcess {
  const program = fileURLToPath(new URL('./subject.ts', import.meta.url))
  const child = spawn(process.execPath, [program, kind, String(port)], { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines: Line[] = []
  const untaken: Line[] = []
  const takers: { event: string; take(line: Line): void }[] = []
  let stderr = ''
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString('utf8')
  })
  // It may end while we write to it.
  child.stdin.on('error', () => {})
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line
    lines.push(line)
    const at = takers.findIndex(({ event }) => event === line.event)
    if (at === -1) untaken.push(line)
    else takers.splice(at, 1)[0]?.take(line)
  })
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stderr }))
  })
  const told = (event: string): Promise<Line> => {
    const at = untaken.findIndex((line) => line.event === event)
    if (at !== -1) return Promise.resolve(untaken.splice(at, 1)[0] as Line)
    return new Promise((take) => takers.push({ event, take }))
  }
  return {
    lines,
    told,
    async figures() {
      child.stdin.write('\n')
      return (await told('figures')).fields as { rssMost: number; counts: Record<string, number> }
    },
    ended,
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      child.kill('SIGKILL')
      await ended
    },
  }
}
