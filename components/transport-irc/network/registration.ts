// SPDX-License-Identifier: Apache-2.0
// From the first line to the welcome: capabilities (IRCv3 CAP 302), login (SASL), nick. Later: capabilities that come and go.
import { IrcFault, type IrcSettings, type SaslMechanism } from './irc.ts'
import { authenticateLines, Challenge, chooseMechanisms, saslClient } from './login/sasl.ts'
import type { SaslClient } from './login/sasl-client.ts'
import { readSts, type StsSaid } from './login/sts.ts'
import { readRefusal } from './replies.ts'
import { type Line, writeLine } from './wire/line.ts'
import { nextNick } from './wire/nick.ts'

/** What we make something of. */
const WANTED = new Set([
  'account-notify',
  'account-tag',
  'away-notify',
  'batch',
  'cap-notify',
  'chghost',
  'echo-message',
  'extended-join',
  'extended-monitor',
  'draft/extended-monitor',
  'invite-notify',
  'labeled-response',
  'message-tags',
  'multi-prefix',
  'server-time',
  'setname',
  'standard-replies',
  'userhost-in-names',
  'draft/account-registration',
  'draft/chathistory',
  'draft/message-redaction',
  'draft/multiline',
  'draft/event-playback',
  'draft/read-marker',
  'no-implicit-names',
  'draft/no-implicit-names',
  // Bouncers: what another client of the same account says.
  'znc.in/self-message',
])

export type RegistrationOptions = {
  settings: IrcSettings
  /** The connection is clear, and may stay so. */
  isTls: boolean
  mayBeClear: boolean
  /** False: it does not go out. */
  send: (line: string) => boolean
  nonce: () => string
  /** What a server says of TLS; true: it leads to another connection, and this one says nothing more. */
  sts: (said: StsSaid) => boolean
  fail: (fault: IrcFault) => void
  /** Capabilities came or went. */
  changed: () => void
  /** `account`: null: logged out. */
  loggedIn: (account: string | null) => void
}

const MOST_CAPS = 200

export class Registration {
  /** Capabilities in force and their values. */
  readonly caps = new Map<string, string>()
  nick: string
  readonly #options: RegistrationOptions
  readonly #offered = new Map<string, string>()
  #attempts = 0
  #asked = 0
  /** Capabilities that are asked for and not answered yet. */
  readonly #asking = new Set<string>()
  #state: 'listing' | 'asking' | 'login' | 'ended' = 'listing'
  #introduced = false
  #mechanisms: SaslMechanism[] = []
  /** Mechanisms that the server itself names. */
  #named: readonly string[] = []
  #sasl: { mechanism: SaslMechanism; client: SaslClient; challenge: Challenge; state: 'named' | 'talking' } | null =
    null
  #isLoggedIn = false

  constructor(options: RegistrationOptions) {
    this.#options = options
    this.nick = options.settings.nick
  }

  start(): void {
    const { settings, isTls, send } = this.#options
    if (settings.webirc !== undefined) {
      const { password, gateway, host, address, secure } = settings.webirc
      send(
        writeLine('WEBIRC', [
          password,
          gateway,
          host,
          address.startsWith(':') ? `0${address}` : address,
          ...(secure === true ? ['secure'] : []),
        ]),
      )
    }
    send('CAP LS 302')
    // A clear connection first hears whether it should be one at all: a password is not said to whoever listens.
    // Who is not let in without a login is nobody there before the server has said that it knows one.
    if (isTls && !this.#mustLogin) this.introduce()
  }

  get #mustLogin(): boolean {
    return this.#options.settings.sasl?.required === true && !this.#isLoggedIn
  }

  /** Why the server has not let us in, after all that time. */
  whyLate(): IrcFault {
    return this.#state === 'listing' && this.#mustLogin
      ? new IrcFault('login', 'the server does not say that it knows a login', 'sasl-missing')
      : new IrcFault('timeout', 'the server did not let us in in time')
  }

  /** Who we are. Called when the capabilities are known, or by the clock for servers that do not answer. */
  introduce(): void {
    if (this.#introduced || this.#state === 'ended' || (this.#state === 'listing' && this.#mustLogin)) return
    const { settings, isTls, mayBeClear, send, fail } = this.#options
    if (!isTls && !mayBeClear) {
      fail(new IrcFault('protection', 'the server offers no TLS'))
      return
    }
    this.#introduced = true
    if (settings.password !== undefined) send(writeLine('PASS', [settings.password]))
    send(writeLine('NICK', [this.nick]))
    send(writeLine('USER', [settings.user, '0', '*', settings.realname]))
  }

  /** True: it was part of this. */
  read(line: Line): boolean {
    switch (line.command) {
      case 'CAP':
        this.#readCap(line)
        return true
      case 'AUTHENTICATE':
        this.#authenticate(line.params[0] ?? '')
        return true
      case '900':
        this.#options.loggedIn(line.params[2] ?? null)
        return true
      case '901':
        this.#options.loggedIn(null)
        return true
      case '903':
        this.#loginEnds()
        return true
      case '902':
      case '904':
      case '905':
      case '906':
      case '907':
        this.#loginFails(line)
        return true
      case '908':
        this.#named = (line.params[1] ?? '').split(',')
        this.#mechanisms = this.#mechanisms.filter((name) => this.#named.includes(name))
        return true
      case '001':
        this.#state = 'ended'
        this.#offered.clear()
        this.nick = line.params[0] ?? this.nick
        // It did not wait for the login, or never heard of one.
        if (!this.#mustLogin) return false
        this.#options.fail(new IrcFault('login', 'the server let us in without the login', 'sasl-missing'))
        return true
      default:
        return this.#state === 'ended' ? false : this.#readRefusal(line)
    }
  }

  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  #readCap({ params }: Line): void {
    const verb = (params[1] ?? '').toUpperCase()
    const more = params[2] === '*' && params.length > 3
    const names = (params.at(-1) ?? '').split(' ').filter((name) => name !== '')
    switch (verb) {
      case 'LS':
        for (const name of names) this.#learn(name)
        if (!more && this.#state === 'listing') this.#listed()
        return
      case 'NEW': {
        for (const name of names) this.#learn(name)
        if (this.#hearSts()) return
        this.#ask(names.map(nameOf))
        return
      }
      case 'DEL':
        for (const name of names) {
          this.#offered.delete(nameOf(name))
          this.caps.delete(nameOf(name))
          this.#asking.delete(nameOf(name))
          // Whoever is asked for a login has gone: a new one begins from its start.
          if (nameOf(name) === 'sasl' && this.hasEnded) this.#sasl = null
        }
        this.#options.changed()
        return
      case 'ACK':
        this.#answered(names.length, names)
        for (const name of names) {
          if (name.startsWith('-')) this.caps.delete(name.slice(1))
          else if (WANTED.has(name) || name === 'sasl') this.caps.set(name, this.#offered.get(name) ?? '')
        }
        this.#options.changed()
        if (names.includes('sasl') && !this.#isLoggedIn && this.#sasl === null) this.#login()
        this.#goOn()
        return
      case 'NAK':
        this.#answered(names.length, names)
        // One that it does not want spoils all of a request: the others are asked for alone.
        if (names.length > 1) for (const name of names) this.#ask([name])
        this.#goOn()
        return
    }
  }

  #learn(cap: string): void {
    const equals = cap.indexOf('=')
    const name = nameOf(cap)
    if (this.#offered.size < MOST_CAPS || this.#offered.has(name))
      this.#offered.set(name, equals === -1 ? '' : cap.slice(equals + 1))
  }

  #listed(): void {
    if (this.#hearSts()) return
    this.#state = 'asking'
    this.introduce()
    this.#ask([...this.#offered.keys()])
    this.#goOn()
  }

  #hearSts(): boolean {
    const value = this.#offered.get('sts')
    return value !== undefined && this.#options.sts(readSts(value))
  }

  #ask(names: readonly string[]): void {
    const isWanted = (name: string) =>
      WANTED.has(name) || (name === 'sasl' && this.#options.settings.sasl !== undefined)
    // Once until it is answered: a server that offers the same again and again is not answered as often.
    const wanted = new Set(names.filter((name) => isWanted(name) && !this.#asking.has(name)))
    let line: string[] = []
    const end = () => {
      if (line.length === 0) return
      if (this.#options.send(writeLine('CAP', ['REQ', line.join(' ')]))) this.#asked += line.length
      else for (const name of line) this.#asking.delete(name)
      line = []
    }
    for (const name of wanted) {
      if (line.join(' ').length + name.length > 400) end()
      line.push(name)
      this.#asking.add(name)
    }
    end()
  }

  #answered(count: number, names: readonly string[] = []): void {
    for (const name of names) this.#asking.delete(name)
    this.#asked = Math.max(0, this.#asked - count)
  }

  /** All answered: the login, or the end. */
  #goOn(): void {
    if (this.#state !== 'asking' || this.#asked > 0) return
    if (this.#mustLogin) {
      this.#options.fail(new IrcFault('login', 'the server offers no login now', 'sasl-missing'))
      return
    }
    this.#state = 'login'
    this.#options.send('CAP END')
  }

  #login(): void {
    const { settings, isTls } = this.#options
    this.#named = (this.#offered.get('sasl') ?? '').split(',').filter((name) => name !== '')
    this.#mechanisms = chooseMechanisms(settings, this.#named, isTls)
    // Counted as a question without an answer: CAP END waits for it.
    this.#asked += 1
    const isOnlyPlain = this.#mechanisms.length === 0 && this.#named.includes('PLAIN')
    const why = isOnlyPlain
      ? 'the server takes only PLAIN, which hands the password over and may not be said here'
      : 'no mechanism that both sides have'
    this.#nextMechanism(new IrcFault('login', why, 'sasl'))
  }

  #nextMechanism(why: IrcFault): void {
    const { settings, send, nonce } = this.#options
    const mechanism = this.#mechanisms.shift()
    if (mechanism === undefined) {
      this.#sasl = null
      this.#answered(1)
      if (settings.sasl?.required === true && !this.hasEnded) this.#options.fail(why)
      else this.#goOn()
      return
    }
    const client = saslClient(mechanism, settings.sasl?.account ?? '', settings.sasl?.secret ?? '', nonce())
    this.#sasl = { mechanism, client, challenge: new Challenge(), state: 'named' }
    if (!send(`AUTHENTICATE ${mechanism}`)) this.#sasl = null
  }

  #authenticate(text: string): void {
    const sasl = this.#sasl
    if (sasl === null) return
    const answer = (async () => {
      const challenge = sasl.challenge.add(text)
      if (challenge === null) return null
      if (sasl.state === 'talking') return await sasl.client.next(challenge)
      sasl.state = 'talking'
      return await sasl.client.first()
    })()
    answer.then(
      (bytes) => {
        if (bytes !== null && this.#sasl === sasl)
          for (const line of authenticateLines(bytes))
            if (!this.#options.send(`AUTHENTICATE ${line}`)) this.#sasl = null
      },
      (fault: Error) => {
        if (this.#sasl !== sasl) return
        // Whoever does not prove himself is not tried with a weaker mechanism: it would hand him the password.
        this.#mechanisms = []
        this.#options.send('AUTHENTICATE *')
        this.#options.fail(IrcFault.said('protection', `login: ${fault.message}`, 'sasl'))
      },
    )
  }

  #loginEnds(): void {
    if (this.#sasl === null) return
    if (!this.#sasl.client.proved) {
      this.#options.fail(
        new IrcFault('protection', 'login: the server did not prove that it knows the password', 'sasl'),
      )
      return
    }
    if (this.#sasl.mechanism === 'SCRAM-SHA-256') this.#options.settings.sasl?.scram?.isSeen()
    this.#sasl = null
    this.#isLoggedIn = true
    this.#answered(1)
    this.#goOn()
  }

  #loginFails(line: Line): void {
    if (this.#sasl === null) return
    const { mechanism, state } = this.#sasl
    const words = line.params.at(-1) ?? ''
    // Only what the server does not have leads on to PLAIN, and only where it names PLAIN itself. Who takes SCRAM up and then refuses it had a
    // wrong password from us, or wants to be handed the right one.
    const isTaken = mechanism === 'SCRAM-SHA-256' && state === 'talking'
    const hadPlain = this.#mechanisms.includes('PLAIN')
    if (isTaken || !this.#named.includes('PLAIN'))
      this.#mechanisms = this.#mechanisms.filter((name) => name !== 'PLAIN')
    const isLeftOut = hadPlain && !this.#mechanisms.includes('PLAIN')
    const why = isLeftOut ? `${words} (${mechanism}; PLAIN, which hands the password over, was not tried)` : words
    this.#nextMechanism(IrcFault.said('login', why, 'sasl'))
  }

  #knowsNoCap(): void {
    if (this.#mustLogin) {
      this.#options.fail(new IrcFault('login', 'the server knows no login', 'sasl-missing'))
      return
    }
    this.#state = 'login'
    this.introduce()
  }

  #readRefusal(line: Line): boolean {
    const { fail, send, settings } = this.#options
    switch (line.command) {
      case '433':
      case '436':
      case '437':
        this.#attempts += 1
        if (this.#attempts > 10) fail(IrcFault.said('nick-taken', line.params.at(-1) ?? '', line.command))
        else {
          this.nick = nextNick(settings.nick, this.#attempts, 30)
          send(writeLine('NICK', [this.nick]))
        }
        return true
      case '421':
      case '410':
        // A server that knows no CAP.
        if (this.#state !== 'listing') return false
        this.#knowsNoCap()
        return true
      case '451':
        if (this.#state === 'listing' && line.params.includes('CAP')) this.#knowsNoCap()
        return true
      case '432':
      case '464':
      case '465':
      case '463': {
        const refusal = readRefusal(line)
        const reason = line.command === '464' ? 'access' : (refusal?.reason ?? 'other')
        fail(IrcFault.said(reason, refusal?.text ?? '', line.command))
        return true
      }
      case 'FAIL': {
        const refusal = readRefusal(line)
        if (refusal?.code !== 'ACCOUNT_REQUIRED' && refusal?.code !== 'INVALID_UTF8') return false
        fail(IrcFault.said(refusal.reason, refusal.text, refusal.code))
        return true
      }
      default:
        return false
    }
  }
}

function nameOf(cap: string): string {
  const equals = cap.indexOf('=')
  return equals === -1 ? cap : cap.slice(0, equals)
}
