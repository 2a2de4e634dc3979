// SPDX-License-Identifier: Apache-2.0
// Where things stand in a directory: which entries are people and groups, and which attribute means what. A preset per kind of
// server; every part of it can be set otherwise.

export type Layout = {
  id: { attribute: string; form: IdForm }
  people: { filter: string; attributes: PersonAttributes }
  groups: { filter: string; attributes: GroupAttributes }
  disabled: readonly DisabledWhen[]
  /** Attributes with which a search for what changed is made. */
  changed: ChangedBy
}

/** guid: sixteen octets, the first three parts little-endian ([MS-DTYP] §2.3.4). text: as it stands, in lower case. */
export type IdForm = 'text' | 'guid'

/** time: modifyTimestamp or entryCSN. usn: uSNChanged, a number of one AD server. dirsync: what AD tells by its control of that name. */
export type ChangedBy = { kind: 'time'; attribute: string } | { kind: 'usn' } | { kind: 'dirsync' }

/** Of a single value the first attribute that has one counts; of a list all attributes together. */
export type PersonAttributes = {
  uid: readonly string[]
  name: readonly string[]
  given: readonly string[]
  family: readonly string[]
  nick: readonly string[]
  mail: readonly string[]
  phone: readonly string[]
  department: readonly string[]
  title: readonly string[]
  manager: readonly string[]
  office: readonly string[]
  company: readonly string[]
  photo: readonly string[]
  /** Network -> attribute: { irc: 'ircNick' }. */
  identities: Readonly<Record<string, string>>
  primaryGroup: PrimaryGroup
}

export type GroupAttributes = {
  name: readonly string[]
  description: readonly string[]
  memberDns: readonly string[]
  memberUids: readonly string[]
  primaryGroup: PrimaryGroup
  /** Where set, no more than so many values of memberDns are asked for at once. Servers that give fewer are asked again anyway. */
  range?: number
}

/** gid: gidNumber on both. sid: objectSid of the group; of a person his own objectSid with primaryGroupID as its last part. */
export type PrimaryGroup = 'gid' | 'sid' | 'none'

export type DisabledWhen =
  /** One of the words, in any case; no words: any value. */
  | { kind: 'value'; attribute: string; values: readonly string[] }
  | { kind: 'bit'; attribute: string; bit: number }
  /** From that time on; never at 0 and at the greatest number. */
  | { kind: 'expiry'; attribute: string; unit: 'filetime' | 'days' | 'time' }

const PERSON: PersonAttributes = {
  uid: ['uid'],
  name: ['displayName', 'cn', 'uid'],
  given: ['givenName'],
  family: ['sn'],
  nick: [],
  mail: ['mail'],
  phone: ['telephoneNumber', 'mobile'],
  department: ['departmentNumber', 'ou'],
  title: ['title'],
  manager: ['manager'],
  office: ['physicalDeliveryOfficeName', 'l'],
  company: ['o'],
  photo: ['jpegPhoto'],
  identities: {},
  primaryGroup: 'gid',
}

const GROUP: GroupAttributes = {
  name: ['cn'],
  description: ['description'],
  memberDns: ['member', 'uniqueMember'],
  memberUids: ['memberUid'],
  primaryGroup: 'gid',
}

const OPENLDAP: Layout = {
  id: { attribute: 'entryUUID', form: 'text' },
  people: { filter: '(objectClass=inetOrgPerson)', attributes: PERSON },
  groups: {
    filter: '(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))',
    attributes: GROUP,
  },
  // A lock with a time is the answer to wrong passwords, and anybody could give those; this one is the administrator's (ppolicy §5.3.3).
  disabled: [
    { kind: 'value', attribute: 'pwdAccountLockedTime', values: ['000001010000Z'] },
    { kind: 'expiry', attribute: 'shadowExpire', unit: 'days' },
  ],
  changed: { kind: 'time', attribute: 'modifyTimestamp' },
}

/** Active Directory, and Samba as one. */
const ACTIVE_DIRECTORY: Layout = {
  id: { attribute: 'objectGUID', form: 'guid' },
  people: {
    // The type of ordinary accounts is indexed; computers have another. krbtgt shows itself to nobody.
    filter: '(&(sAMAccountType=805306368)(!(showInAdvancedViewOnly=TRUE)))',
    attributes: {
      ...PERSON,
      uid: ['sAMAccountName'],
      name: ['displayName', 'cn', 'sAMAccountName'],
      department: ['department'],
      company: ['company'],
      photo: ['thumbnailPhoto', 'jpegPhoto'],
      primaryGroup: 'sid',
    },
  },
  groups: {
    // All but those that come with the system (bit 1 of groupType); LDAP_MATCHING_RULE_BIT_AND.
    filter: '(&(objectClass=group)(!(groupType:1.2.840.113556.1.4.803:=1)))',
    attributes: {
      name: ['displayName', 'cn', 'sAMAccountName'],
      description: ['description'],
      memberDns: ['member'],
      memberUids: [],
      primaryGroup: 'sid',
      range: 1_500,
    },
  },
  disabled: [
    // ACCOUNTDISABLE, [MS-ADTS] §2.2.16.
    { kind: 'bit', attribute: 'userAccountControl', bit: 2 },
    { kind: 'expiry', attribute: 'accountExpires', unit: 'filetime' },
  ],
  changed: { kind: 'usn' },
}

const DS_389: Layout = {
  ...OPENLDAP,
  // Always there, where entryUUID wants a plugin.
  id: { attribute: 'nsUniqueId', form: 'text' },
  disabled: [
    { kind: 'value', attribute: 'nsAccountLock', values: ['true'] },
    { kind: 'expiry', attribute: 'shadowExpire', unit: 'days' },
  ],
}

const FREEIPA: Layout = {
  ...DS_389,
  id: { attribute: 'ipaUniqueID', form: 'text' },
  people: { ...OPENLDAP.people, filter: '(&(objectClass=inetOrgPerson)(objectClass=posixAccount))' },
  groups: { ...OPENLDAP.groups, filter: '(objectClass=ipaUserGroup)' },
  disabled: [
    { kind: 'value', attribute: 'nsAccountLock', values: ['true'] },
    { kind: 'expiry', attribute: 'krbPrincipalExpiration', unit: 'time' },
  ],
}

export const PRESETS = {
  openldap: OPENLDAP,
  'active-directory': ACTIVE_DIRECTORY,
  'samba-ad': ACTIVE_DIRECTORY,
  freeipa: FREEIPA,
  '389-ds': DS_389,
} as const satisfies Record<string, Layout>
