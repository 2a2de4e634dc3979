// SPDX-License-Identifier: Apache-2.0
// XEP-0356 as the ejabberd here speaks it: from 24.10 on the newer one, with IQs. And its options for one component.
import { ejabberdVersion } from '../../../deploy/demo/ejabberd.ts'

export const PRIVILEGE =
  Number((await ejabberdVersion())?.slice(0, 5)) >= 24.1 ? 'urn:xmpp:privilege:2' : 'urn:xmpp:privilege:1'
export const NO_PRIVILEGED_IQ = PRIVILEGE.endsWith(':1') && 'ejabberd before 24.10 knows no privileged IQs'

/** The component may speak for everybody here, and send IQs of urn:x where this ejabberd knows such. */
export function privilegeOf(component: string) {
  return {
    modules: {
      mod_privilege: {
        message: { outgoing: 'teller' },
        ...(NO_PRIVILEGED_IQ === false ? { iq: { 'urn:x': { both: 'teller' } } } : {}),
      },
    },
    options: {
      acl: { local: { user_regexp: '' }, teller: { server: component } },
      access_rules: { local: { allow: 'local' }, teller: { allow: 'teller' } },
    },
  }
}
