// SPDX-License-Identifier: Apache-2.0
// Reads an XMPP stream (RFC 6120 §11): bytes -> stream start, stanzas, stream end, or one fault and nothing after it.
// saxes checks the XML; alone it is not strict enough, so its errors throw, and what XMPP forbids is refused here.
import { type SaxesAttributeNS, SaxesParser, type SaxesStartTagNS, type SaxesTagNS, type XMLDecl } from 'saxes'
import { type Element, ParsedElement } from './element.ts'
import { type XmlCondition, XmlFault } from './fault.ts'
import { skipPlainText } from './plain-text.ts'
import { Utf8Decoder } from './utf8.ts'

/** `stanzaBytes`: UTF-8 bytes of one stanza (also of what stands between two). `depth`: levels of elements, the stanza itself is 1. */
export type XmlLimits = { stanzaBytes: number; depth: number }

export const DEFAULT_LIMITS: XmlLimits = { stanzaBytes: 4 * 1024 * 1024, depth: 128 }

/** One stanza: the element and the very text it stood in. */
export type ReadStanza = {
  element: Element
  raw: string
  /** The source text of a child of a XEP-0297 `forwarded` in this stanza; null for any other element. */
  slice(child: Element): string | null
}

/** A handler must not throw: that too would end the stream, as a fault. */
export type ReaderEvents = {
  start(root: Element): void
  stanza(stanza: ReadStanza): void
  end(): void
  fault(fault: XmlFault): void
}

type SaxesHandlers = {
  errorHandler: (error: Error) => void
  doctypeHandler: () => void
  commentHandler: () => void
  piHandler: () => void
  xmldeclHandler: (declared: XMLDecl) => void
  openTagStartHandler: (tag: SaxesStartTagNS) => void
  attributeHandler: (attribute: Pick<SaxesAttributeNS, 'name' | 'value'>) => void
  openTagHandler: (tag: SaxesTagNS) => void
  closeTagHandler: (tag: SaxesTagNS) => void
  textHandler: (text: string) => void
  cdataHandler: (text: string) => void
}

const FORWARD = 'urn:xmpp:forward:0'
/** Bytes parsed in one go; what a stanza may run over its limit before it is refused. */
const PIECE_BYTES = 64 * 1024

export class XmlReader {
  readonly #limits: XmlLimits
  readonly #events: ReaderEvents
  readonly #decoder = new Utf8Decoder()
  readonly #parser = new SaxesParser({ xmlns: true, position: true, defaultXMLVersion: '1.0', forceXMLVersion: true })
  /** False after a fault or the end: nothing more is handed out. */
  #open = true

  #attrs: Element['attrs'] = {}
  #depth = -1
  #cursor: ParsedElement | null = null
  /** Default namespaces by level, so that resolving one does not walk up the open elements. */
  #defaults: string[] = ['']

  /** Offsets count UTF-16 units of the stream. Text before the current piece is kept from `#earlierAt` on, while a stanza is unfinished. */
  #piece = ''
  #pieceAt = 0
  #readTo = 0
  #earlier: string[] = []
  #earlierAt = 0
  #unfinishedBytes = 0
  #carriage = ''
  #stanzaAt = 0
  /** Behind the last finished thing at the level of stanzas. */
  #quietAt = 0

  #forwarded = 0
  #markAt = -1
  #slices: Map<Element, [number, number]> | null = null

  constructor(events: ReaderEvents, limits: Partial<XmlLimits> = {}) {
    this.#events = events
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    skipPlainText(this.#parser)
    // Set by name: `on` sets them by a computed key, which turns the parser into a slow dictionary object (four times slower, measured).
    const parser = this.#parser as unknown as SaxesHandlers
    parser.errorHandler = (error) => {
      // Behind a colon stand names out of the text, which anybody may have written: they must not get into a log.
      const what = error.message.replace(/^\d+:\d+: /, '').replace(/:.*/s, '')
      this.#refuse(/doctype|comment|declaration|processing/.test(what) ? 'restricted-xml' : 'not-well-formed', what)
    }
    parser.doctypeHandler = () => this.#refuse('restricted-xml', 'a DOCTYPE is not allowed')
    parser.commentHandler = () => this.#refuse('restricted-xml', 'a comment is not allowed')
    parser.piHandler = () => this.#refuse('restricted-xml', 'a processing instruction is not allowed')
    parser.xmldeclHandler = (declared) => {
      if (declared.version !== '1.0') this.#refuse('not-well-formed', 'XML 1.0 is wanted')
      if (declared.encoding !== undefined && declared.encoding.toUpperCase() !== 'UTF-8')
        this.#refuse('unsupported-encoding', 'UTF-8 is wanted')
    }
    parser.openTagStartHandler = (tag) => {
      this.#depth++
      if (this.#depth > this.#limits.depth)
        this.#refuse('policy-violation', `elements are nested deeper than ${this.#limits.depth} levels`)
      tag.ns[''] = this.#defaults[this.#depth] as string
      this.#attrs = {}
      if (this.#depth === 1) this.#begin(tag.name)
      else if (this.#forwarded !== 0 && this.#cursor?.is('forwarded', FORWARD)) this.#markAt = this.#tagStart(tag.name)
    }
    parser.attributeHandler = (attribute) => setAttribute(this.#attrs, attribute)
    parser.openTagHandler = (tag) => this.#opened(tag)
    parser.closeTagHandler = (tag) => this.#closed(tag)
    parser.textHandler = (text) => this.#text(text)
    parser.cdataHandler = (text) => {
      if (this.#cursor === null) this.#refuse('bad-format', 'text between stanzas')
      this.#text(text)
    }
  }

  /** Takes the next bytes of the stream. Never throws; what is wrong goes to `fault`, once. */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.#open; at += PIECE_BYTES) {
      const piece = bytes.length <= PIECE_BYTES ? bytes : bytes.subarray(at, at + PIECE_BYTES)
      try {
        const { text, broken } = this.#decoder.decode(piece)
        this.#parse(text, piece.length)
        if (broken && this.#open) this.#refuse('unsupported-encoding', 'not UTF-8')
      } catch (error) {
        if (!this.#open) return
        this.#open = false
        this.#earlier = []
        this.#events.fault(error instanceof XmlFault ? error : this.#fault('bad-format', 'reading failed'))
      }
    }
  }

  #parse(decoded: string, byteCount: number): void {
    // saxes holds back a trailing CR by itself; holding it back here keeps its offsets and ours the same.
    let text = this.#carriage + decoded
    this.#carriage = ''
    if (text.endsWith('\r')) {
      this.#carriage = '\r'
      text = text.slice(0, -1)
    }
    if (text === '') return
    if (this.#isQuiet() && /^[ \t\r\n]*$/.test(text)) return
    this.#piece = text
    this.#pieceAt = this.#readTo
    this.#parser.write(text)
    this.#readTo += text.length
    if (!this.#open) return
    this.#refuseUnfinished()
    this.#keepUnfinished(text, byteCount)
    if (this.#unfinishedBytes > this.#limits.stanzaBytes) this.#refuseSize()
  }

  #keepUnfinished(text: string, byteCount: number): void {
    const keepAt = this.#depth >= 1 ? this.#stanzaAt : this.#quietAt
    if (this.#isQuiet()) {
      this.#earlier = []
      this.#unfinishedBytes = 0
    } else if (keepAt >= this.#pieceAt) {
      const kept = text.slice(keepAt - this.#pieceAt)
      this.#earlier = [kept]
      this.#earlierAt = keepAt
      this.#unfinishedBytes = Buffer.byteLength(kept)
    } else {
      this.#earlier.push(text)
      this.#unfinishedBytes += byteCount
    }
  }

  /** Nothing is open but the stream itself: white space here is a keep-alive (RFC 6120 §4.6.1), neither parsed nor counted. */
  #isQuiet(): boolean {
    return this.#depth === 0 && this.#quietAt === this.#readTo
  }

  #begin(name: string): void {
    this.#stanzaAt = this.#tagStart(name)
    this.#slices = null
    this.#forwarded = 0
  }

  #opened(tag: SaxesTagNS): void {
    const element = new ParsedElement(tag.name, tag.local, tag.uri, this.#attrs)
    this.#defaults[this.#depth + 1] = tag.ns[''] ?? ''
    if (this.#depth === 0) {
      this.#quietAt = this.#parser.position
      this.#events.start(element)
      return
    }
    if (this.#cursor !== null) {
      this.#cursor.children.push(element)
      element.parent = this.#cursor
    }
    this.#cursor = element
    if (this.#markAt !== -1) {
      this.#slices ??= new Map()
      this.#slices.set(element, [this.#markAt, 0])
      this.#markAt = -1
    }
    if (tag.local === 'forwarded' && tag.uri === FORWARD) this.#forwarded++
  }

  #closed(tag: SaxesTagNS): void {
    const closing = this.#cursor
    this.#depth--
    if (this.#depth < 0) {
      this.#requireOwnEnd(this.#source(this.#quietAt), tag)
      this.#open = false
      this.#events.end()
      return
    }
    if (closing === null) return
    const range = this.#slices?.get(closing)
    if (range !== undefined) range[1] = this.#parser.position
    this.#cursor = closing.parent as ParsedElement | null
    if (this.#depth === 0) this.#handOut(closing, tag)
  }

  #handOut(element: Element, tag: SaxesTagNS): void {
    const from = this.#stanzaAt
    const raw = this.#source(from)
    this.#requireOwnEnd(raw, tag)
    if (raw.length * 3 > this.#limits.stanzaBytes && Buffer.byteLength(raw) > this.#limits.stanzaBytes)
      this.#refuseSize()
    const slices = this.#slices
    this.#quietAt = this.#parser.position
    this.#events.stanza({
      element,
      raw,
      slice(child) {
        const range = slices?.get(child)
        return range === undefined ? null : raw.slice(range[0] - from, range[1] - from)
      },
    })
  }

  /** saxes hands an element out before it finds that the end tag was of another name. */
  #requireOwnEnd(source: string, { name, isSelfClosing }: SaxesTagNS): void {
    if (isSelfClosing || source.endsWith(`</${name}>`) || source.trimEnd().slice(0, -1).trimEnd().endsWith(`</${name}`))
      return
    this.#refuse('not-well-formed', 'unexpected close tag.')
  }

  /** The text from an offset that is still kept up to where the parser stands. */
  #source(from: number): string {
    const inPiece = this.#parser.position - this.#pieceAt
    if (from >= this.#pieceAt) return this.#piece.slice(from - this.#pieceAt, inPiece)
    return this.#earlier.join('').slice(from - this.#earlierAt) + this.#piece.slice(0, inPiece)
  }

  #text(text: string): void {
    // An empty CDATA section is no text.
    if (text === '') return
    if (this.#cursor !== null) {
      this.#cursor.children.push(text)
      return
    }
    if (/[^ \t\r\n]/.test(text)) this.#refuse('bad-format', 'text between stanzas')
    // saxes hands text out when it has read the `<` behind it.
    if (this.#depth === 0) this.#quietAt = this.#parser.position - 1
  }

  /** Offset of the `<` of the tag whose name was just read: the parser stands one character (or CRLF) behind the name. */
  #tagStart(name: string): number {
    const behind = this.#parser.position
    const at = behind - this.#pieceAt
    const breakUnits = this.#piece.charCodeAt(at - 1) === 0x0a && this.#piece.charCodeAt(at - 2) === 0x0d ? 2 : 1
    return behind - breakUnits - name.length - 1
  }

  /**
   * saxes tells of a forbidden construct only when it ends, and of a raw `&` at the next `;`: until then it would swallow what
   * follows. So its state (private there, hence the exact version in package.json) is looked at after each piece.
   */
  #refuseUnfinished(): void {
    const { state, entity, text } = this.#parser as unknown as { state: number; entity: string; text: string }
    if (state >= 2 && state <= 12) this.#refuse('restricted-xml', 'a DOCTYPE is not allowed')
    if (state >= 17 && state <= 19) this.#refuse('restricted-xml', 'a comment is not allowed')
    if (state === 25 || state === 26 || (this.#depth >= 0 && (state === 23 || state === 24)))
      this.#refuse('restricted-xml', 'a processing instruction is not allowed')
    if (state === 14 && !/^(?:#x?[0-9a-fA-F]{0,16}|[a-z]{0,4})$/.test(entity))
      this.#refuse('not-well-formed', 'a raw &')
    if (state === 13 && this.#depth === 0) {
      if (/[^ \t\r\n]/.test(text)) this.#refuse('bad-format', 'text between stanzas')
      this.#quietAt = this.#readTo
    }
  }

  #refuseSize(): never {
    this.#refuse('policy-violation', `a stanza is larger than ${this.#limits.stanzaBytes} bytes`)
  }

  #refuse(condition: XmlCondition, what: string): never {
    throw this.#fault(condition, what)
  }

  #fault(condition: XmlCondition, what: string): XmlFault {
    const { position, line, column } = this.#parser
    return new XmlFault(condition, what, { offset: position, line, column })
  }
}

function setAttribute(attrs: Element['attrs'], { name, value }: Pick<SaxesAttributeNS, 'name' | 'value'>): void {
  // A plain assignment to this one would be lost: it sets the prototype.
  if (name === '__proto__')
    Object.defineProperty(attrs, name, { value, enumerable: true, writable: true, configurable: true })
  else attrs[name] = value
}
