// SPDX-License-Identifier: Apache-2.0
// The command line as it is, looking for components in the folder of the test programs.
import { fileURLToPath } from 'node:url'
import { gatehouse } from '../../components/cli/gatehouse.ts'
import { softwareVersion } from '../../components/kit/process/version.ts'

process.exitCode = await gatehouse({
  argv: process.argv.slice(2),
  components: fileURLToPath(new URL('../kit/process/programs/', import.meta.url)),
  environment: process.env,
  folder: process.cwd(),
  out: process.stdout,
  err: process.stderr,
  software: softwareVersion(),
})
