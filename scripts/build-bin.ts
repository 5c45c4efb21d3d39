/**
 * Builds the command that the package publishes: `npm run build:bin`.
 */
import { fileURLToPath } from "node:url"
import { bundle } from "./bundle.js"

await bundle({ outfile: fileURLToPath(new URL("../dist/bin/agentcore-identity.js", import.meta.url)) })
