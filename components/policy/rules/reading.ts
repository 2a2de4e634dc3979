// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../../kit/text/catalogue.ts'
import { nearestName } from '../../kit/text/nearest-name.ts'
import type { Yaml } from '../../kit/yaml/yaml.ts'
import type { KnownKeys } from './keys.ts'

/** A line of the file and what is wanted there. */
export type RuleProblem = { line: number; wanted: Message }

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

  /** `id`: the text that says what is wanted here. */
  refuse(id: string, args: NonNullable<Message['args']> = {}): null {
    const place = this.path
      .map((step) => (typeof step === 'number' ? `[${step + 1}]` : step))
      .join('.')
      .replaceAll('.[', '[')
    const wanted = { id, args }
    this.#problems.push({
      line: this.#yaml.lineOf(this.path),
      wanted: place === '' ? wanted : { id: 'policy-at', args: { place, wanted } },
    })
    return null
  }

  /** Complains of every key that is not built: planned ones by name, others with the nearest that is known. */
  keys(known: KnownKeys): void {
    if (!isMap(this.value)) return
    for (const key of Object.keys(this.value)) {
      if (known.built.includes(key)) continue
      if (known.planned.includes(key)) this.at(key).refuse('policy-not-built')
      else {
        const near = nearestName(key, [...known.built, ...known.planned])
        if (near) this.at(key).refuse('policy-key-near', { near })
        else this.at(key).refuse('policy-key-unknown', { known: known.built.join(', ') })
      }
    }
  }

  text(atMost: number): string | null {
    if (typeof this.value === 'number' || typeof this.value === 'boolean') return this.refuse('policy-wanted-quotes')
    if (typeof this.value !== 'string' || this.value.trim() === '') return this.refuse('kit-wanted-text')
    if (this.value.length > atMost) return this.refuse('policy-wanted-characters', { most: String(atMost) })
    return this.value
  }

  oneOf<const T extends string>(words: readonly T[]): T | null {
    const word = words.find((each) => each === this.value)
    if (word !== undefined) return word
    const near = typeof this.value === 'string' ? nearestName(this.value, words) : null
    const choices = words.join(', ')
    return near
      ? this.refuse('policy-wanted-choice-near', { choices, near })
      : this.refuse('kit-wanted-choice', { choices })
  }

  /** One item or a list of them; null if any is wrong. */
  items<T>(atMost: number, read: (item: Reading) => T | null): readonly T[] | null {
    if (!Array.isArray(this.value)) {
      const only = read(this)
      return only === null ? null : [only]
    }
    if (this.value.length === 0) return this.refuse('policy-wanted-entry')
    if (this.value.length > atMost) return this.refuse('kit-wanted-entries', { most: String(atMost) })
    const items = this.value.map((_, index) => read(this.at(index)))
    return items.every((item) => item !== null) ? (items as T[]) : null
  }
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
