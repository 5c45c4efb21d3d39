/** `npm run aws:diff`: compares our table of operations with the installed clients of the AWS SDK. */
import { NodeFileSystem, NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import * as installed from "./installed.js"
import * as ours from "./ours.js"
import { run } from "./report.js"

installed.clients.pipe(
  Effect.flatMap((clients) => run(ours.description, clients)),
  Effect.flatMap((code) =>
    Effect.sync(() => {
      process.exitCode = code
    })
  ),
  Effect.provide(NodeFileSystem.layer),
  NodeRuntime.runMain
)
