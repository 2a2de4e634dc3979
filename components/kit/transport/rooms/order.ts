// SPDX-License-Identifier: Apache-2.0
// What a room has to say, one after the other: some of it is asked about first, and what comes behind waits.

type Entry = { work: (() => void) | null }

export class Order {
  readonly #most: number
  readonly #entries: Entry[] = []
  #first = 0
  #isSaying = false
  #idle: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
  }

  get waiting(): number {
    return this.#entries.length - this.#first
  }

  get isFull(): boolean {
    return this.waiting >= this.#most
  }

  /** At once where nothing waits, and from within what is just being said: it is a part of that. */
  say(work: () => void): void {
    if (this.#isSaying || this.waiting === 0) work()
    else this.#entries.push({ work })
  }

  /** Holds a place for what is still asked about; it must settle, and gives what is to be done then. */
  hold(asked: Promise<() => void>): void {
    const entry: Entry = { work: null }
    this.#entries.push(entry)
    const ready = (work: () => void) => {
      entry.work = work
      this.#run()
    }
    asked.then(ready, () => ready(() => {}))
  }

  /** When everything said so far has been. */
  settled(): Promise<void> {
    return this.waiting === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  #run(): void {
    for (let head = this.#entries[this.#first]; head?.work != null; head = this.#entries[this.#first]) {
      this.#first++
      this.#isSaying = true
      try {
        head.work()
      } finally {
        this.#isSaying = false
        if (this.#first > 256 && this.#first * 2 > this.#entries.length) {
          this.#entries.splice(0, this.#first)
          this.#first = 0
        }
      }
    }
    if (this.waiting > 0) return
    this.#entries.length = 0
    this.#first = 0
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }
}
