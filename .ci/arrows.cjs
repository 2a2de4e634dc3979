// SPDX-License-Identifier: Apache-2.0
// Which file may import which. Every rule carries its sentence, so that the error explains itself.
// test/suite/arrows.test.ts plants a file against each rule and sees it named.

/** Parts of the kit from the bottom up; a part imports only from the lines above its own. */
const KIT = [
  ['xml'],
  ['xmpp'],
  ['xep'],
  ['text', 'yaml', 'store', 'facts'],
  ['bus', 'stream', 'router'],
  ['privilege'],
  ['transport'],
  ['process'],
]

/** Which library stands behind which part's word; `.` is any. Adding a line is a visible decision. */
const LIBRARIES = {
  'kit/xml': '@xmpp/xml|ltx|saxes',
  'kit/yaml': 'yaml',
  'kit/text': '@fluent/bundle',
  'kit/store': 'pg',
  'kit/stream': '@xmpp/component',
  'kit/bus': 'ioredis',
  'kit/process': 'pino|prom-client|zod',
  '[^/]+/network': '.',
  // Engine folders: one library each, fulfilling a type that `domain/` declares.
  'policy/matching': 're2js',
  // Pictures of people, made small and harmless.
  'directory/faces': 'sharp',
}

const OTHER = '^components/(?!kit/)([^/]+)/'
const NODE_OR_LIBRARY = ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown']

const rules = [
  never(
    'kit-knows-no-component',
    'The kit serves components and never names one.',
    { path: '^components/kit/' },
    { path: OTHER },
  ),
  never(
    'components-are-strangers',
    'Components meet on the wire or the bus, never in an import.',
    { path: OTHER },
    { path: OTHER, pathNot: '^components/$1/' },
  ),
  ...kitPointsDown(
    'A part of the kit imports only parts below it; what it logs or counts goes to a function it is handed.',
  ),
  never(
    'domain-is-pure',
    'A domain imports its own domain/, kit/xmpp/{jid,percent}.ts and the facts; no Node module, no library.',
    { path: `${OTHER}domain/` },
    { pathNot: '^components/($1/domain/|kit/xmpp/(jid|percent)\\.ts$|kit/facts/)' },
  ),
  never(
    'protocol-does-no-io',
    'A protocol imports its own protocol/ and domain/, kit/{xml,xmpp,xep} and the facts.',
    { path: `${OTHER}protocol/` },
    { pathNot: '^components/($1/(protocol|domain)/|kit/(xml|xmpp|xep|facts)/)' },
  ),
  never(
    'storage-speaks-domain',
    'Stores take and give domain values, never stanzas.',
    { path: `${OTHER}storage/` },
    { path: '^components/(kit/(xml|xep|stream|router|privilege|transport)/|kit/xmpp/(?!jid\\.ts$)|[^/]+/protocol/)' },
  ),
  never(
    'sockets-at-the-edge',
    "Node's net, tls, http, dgram and dns only in kit/stream, kit/process and */network.",
    { path: '^components/', pathNot: '^components/(kit/(stream|process)|[^/]+/network)/' },
    { path: '^(node:)?(net|tls|https?|http2|dgram|dns)(/|$)', dependencyTypes: ['core'] },
  ),
  never('main-is-the-top', 'Nobody imports a main.ts.', {}, { path: '^components/[^/]+/main\\.ts$' }),
  ...onlyMainStarts(
    'main.ts may use all of kit/process, settings.ts its settings; the rest is handed log and metrics and imports types only.',
  ),
  never(
    'code-knows-no-tests',
    'Nothing in components/ or deploy/ imports from test/.',
    { path: '^(components|deploy)/' },
    { path: '^test/' },
  ),
  ...libraryBehindOurWord('A library stands behind our own word: only the places listed import one.'),
  never('no-circles', 'A circle hides a missing file.', {}, { circular: true }),
  {
    name: 'no-orphans',
    comment:
      'A file nobody imports is not part of the suite (except a main.ts, a worker, which is started by name, the door of a part of the kit that no component needs yet, and those of the directory until directory.ts opens them).',
    severity: 'error',
    module: {
      path: '^components/',
      pathNot:
        '^components/[^/]+/main\\.ts$|[-/]worker\\.ts$|\\.d\\.ts$|^components/(kit/(bus/file-snapshot(-reader)?|facts/people)|directory/network/ldap-directory)\\.ts$',
      numberOfDependentsLessThan: 1,
    },
    from: {},
  },
]

module.exports = {
  forbidden: rules,
  options: {
    doNotFollow: { path: '^node_modules/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}

function never(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to }
}

function kitPointsDown(comment) {
  const known = KIT.flat().join('|')
  const unknown = `^components/kit/(?!(${known})/)`
  const below = (line) => KIT.slice(0, line).flat().join('|')
  return [
    ...KIT.flatMap((parts, line) =>
      parts.map((part) =>
        never(
          'kit-points-down',
          comment,
          { path: `^components/kit/${part}/` },
          { path: '^components/kit/', pathNot: `^components/kit/(${[part, below(line)].filter(Boolean).join('|')})/` },
        ),
      ),
    ),
    never('kit-points-down', `${comment} This part is not in the order yet.`, { path: unknown }, { path: '.' }),
  ]
}

function onlyMainStarts(comment) {
  const types = { path: '^components/kit/process/', dependencyTypesNot: ['type-only'] }
  // What a command is, and how it refuses, is said with values that belong to everybody.
  const contract = '^components/kit/process/command\\.ts$'
  return [
    never(
      'only-main-starts',
      comment,
      // The command line is no process with a skeleton: it reads the shared settings itself.
      { path: OTHER, pathNot: '^components/([^/]+/(main|settings)|cli/(gatehouse|check|argv))\\.ts$' },
      { ...types, pathNot: contract },
    ),
    never(
      'only-main-starts',
      comment,
      { path: '^components/[^/]+/settings\\.ts$' },
      { ...types, pathNot: `${contract}|^components/kit/process/[^/]*settings\\.ts$` },
    ),
  ]
}

function libraryBehindOurWord(comment) {
  const listed = Object.keys(LIBRARIES).join('|')
  const library = { path: '^node_modules/', dependencyTypes: NODE_OR_LIBRARY.filter((type) => type !== 'core') }
  return [
    never('library-behind-our-word', comment, { path: '^components/', pathNot: `^components/(${listed})/` }, library),
    ...Object.entries(LIBRARIES)
      .filter(([, libraries]) => libraries !== '.')
      .map(([place, libraries]) =>
        never(
          'library-behind-our-word',
          `${comment} ${place}: ${libraries}.`,
          { path: `^components/${place}/` },
          { ...library, pathNot: `^node_modules/(${libraries})/` },
        ),
      ),
  ]
}
