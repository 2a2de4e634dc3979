// SPDX-License-Identifier: Apache-2.0
// The XML element of the suite: @xmpp/xml's (an ltx Element). Libraries outside kit/xml never name it themselves.
import xml from '@xmpp/xml'

export { xml }

export type Element = xml.Element

/** A child is text or an element; ltx holds both in `children`. */
export function isElement(node: Element | string): node is Element {
  return typeof node === 'object'
}

/**
 * An element as a reader makes it: the namespace is the one the parser resolved, so `xmlns=''` undeclares as XML says
 * (ltx alone would look further up). Attributes are taken over, not copied.
 */
export class ParsedElement extends xml.Element {
  readonly #namespace: string | undefined
  readonly #local: string

  constructor(name: string, local: string, namespace: string, attrs: Element['attrs']) {
    super(name)
    this.attrs = attrs
    this.#local = local
    this.#namespace = namespace === '' ? undefined : namespace
  }

  override getName(): string {
    return this.#local
  }

  override getNS(): string | undefined {
    return this.#namespace
  }

  override is(name: string, xmlns?: string): boolean {
    return this.#local === name && (!xmlns || this.#namespace === xmlns)
  }

  /** As ltx has them, without a function and lists for each look: a message is looked through for a dozen children. */
  override getChild(name: string, xmlns?: string): Element | undefined {
    for (const child of this.children) if (isElement(child) && child.is(name, xmlns)) return child
    return undefined
  }

  override getChildElements(): Element[] {
    const elements: Element[] = []
    for (const child of this.children) if (isElement(child)) elements.push(child)
    return elements
  }
}
