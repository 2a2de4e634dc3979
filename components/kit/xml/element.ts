// SPDX-License-Identifier: Apache-2.0
// The XML element of the suite: @xmpp/xml's (an ltx Element). Libraries outside kit/xml never name it themselves.
import xml from '@xmpp/xml'
export { xml }
