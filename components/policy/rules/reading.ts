// SPDX-License-Identifier: Apache-2.0
import { nearestName } from '../../kit/text/nearest-name.ts'
import type { Yaml } from '../../kit/yaml/yaml.ts'
import type { KnownKeys } from './keys.ts'

/** A line of the file and what is wrong with it. */
export type RuleProblem = { line: number; message: string }

/** A value of the rule file with the way to it; what is wrong with it goes to the list of problems with its line. */
export class Reading {
  readonly #yaml: Yaml
  readonly #problems: RuleProblem[]
  readonly path: readonly (string | number)[]
  readonly value: unknown

  constructor(yaml: Yaml, problems: RuleProblem[], path: readonly (string | number)[], value: unknown) {
    this.#yaml = yaml
    this.#problems = problems
    this.path = path
    this.value = value
  }

  at(step: string | number): Reading {
    const below: unknown = isMap(this.value) || Array.isArray(this.value) ? Reflect.get(this.value, step) : undefined
    return new Reading(this.#yaml, this.#problems, [...this.path, step], below)
  }

  refuse(message: string): null {
    const name = this.path
      .map((step) => (typeof step === 'number' ? `[${step + 1}]` : step))
      .join('.')
      .replaceAll('.[', '[')
    this.#problems.push({ line: this.#yaml.lineOf(this.path), message: name === '' ? message : `${name}: ${message}` })
    return null
  }

  /** Complains of every key that is not built: planned ones by name, others with the nearest that is known. */
  keys(known: KnownKeys): void {
    if (!isMap(this.value)) return
    for (const key of Object.keys(this.value)) {
      if (known.built.includes(key)) continue
      if (known.planned.includes(key)) this.at(key).refuse('not built yet in this version')
      else {
        const near = nearestName(key, [...known.built, ...known.planned])
        this.at(key).refuse(
          near ? `no such key; is ${near} meant?` : `no such key; known here: ${known.built.join(', ')}`,
        )
      }
    }
  }

  text(atMost: number): string | null {
    if (typeof this.value === 'number' || typeof this.value === 'boolean')
      return this.refuse('a text is wanted; put it in quotes')
    if (typeof this.value !== 'string' || this.value.trim() === '') return this.refuse('a text is wanted')
    if (this.value.length > atMost) return this.refuse(`at most ${atMost} characters are wanted`)
    return this.value
  }

  oneOf<const T extends string>(words: readonly T[]): T | null {
    const word = words.find((each) => each === this.value)
    if (word !== undefined) return word
    const near = typeof this.value === 'string' ? nearestName(this.value, words) : null
    return this.refuse(`one of ${words.join(', ')} is wanted${near ? `; is ${near} meant?` : ''}`)
  }

  /** One item or a list of them; null if any is wrong. */
  items<T>(atMost: number, read: (item: Reading) => T | null): readonly T[] | null {
    if (!Array.isArray(this.value)) {
      const only = read(this)
      return only === null ? null : [only]
    }
    if (this.value.length === 0) return this.refuse('at least one entry is wanted')
    if (this.value.length > atMost) return this.refuse(`at most ${atMost} entries are wanted`)
    const items = this.value.map((_, index) => read(this.at(index)))
    return items.every((item) => item !== null) ? (items as T[]) : null
  }
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
