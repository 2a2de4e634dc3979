// SPDX-License-Identifier: Apache-2.0
// @xmpp/xml 0.13.3 ships no types. What the suite uses of it: the ltx Element and the builder.
declare module '@xmpp/xml' {
  namespace xml {
    type Attributes = Record<string, string>
    type Child = Element | string

    class Element {
      constructor(name: string, attrs?: Attributes | string)
      name: string
      parent: Element | null
      children: Child[]
      attrs: { [name: string]: string | undefined }
      /** Local name and, where given, namespace are these. */
      is(name: string, xmlns?: string): boolean
      /** The name without its prefix. */
      getName(): string
      getNS(): string | undefined
      findNS(prefix?: string): string | undefined
      getChild(name: string, xmlns?: string): Element | undefined
      getChildren(name: string, xmlns?: string): Element[]
      getChildElements(): Element[]
      /** The text directly inside, without that of children. */
      getText(): string
      getChildText(name: string, xmlns?: string): string | null
      c(name: string, attrs?: Attributes | string): Element
      t(text: string): this
      up(): Element
      append(...nodes: Child[]): void
      toString(): string
    }

    function createElement(name: string, attrs?: Attributes | null, ...children: (Child | null | undefined)[]): Element
  }

  function xml(
    name: string,
    attrs?: xml.Attributes | null,
    ...children: (xml.Child | readonly xml.Child[] | null | undefined)[]
  ): xml.Element

  export = xml
}
