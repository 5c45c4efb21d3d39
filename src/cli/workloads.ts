/**
 * `workloads`: the administration of workload identities.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { operations } from "../IdentityApi.js"
import * as Client from "./client.js"
import * as Output from "./output.js"

const name = Options.text("name").pipe(Options.withDescription("the workload identity, by name"))

const url = Options.text("url").pipe(Options.withDescription("the return URL, to the letter"))

const create = Command.make("create", {
  name: Options.optional(name),
  returnUrls: Options.text("return-url").pipe(
    Options.withDescription("where browsers may return to; repeat for more"),
    Options.repeated
  ),
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.flatMap(
      identity.createWorkloadIdentity({
        ...Option.match(given.name, { onNone: () => ({}), onSome: (name) => ({ name }) }),
        ...(given.returnUrls.length > 0 && { allowedResourceOauth2ReturnUrls: given.returnUrls })
      }),
      (reply) => Output.one(given.json, operations.createWorkloadIdentity.reply, reply)
    ))).pipe(Command.withDescription("Creates a workload identity; without --name it gets one."))

const get = Command.make(
  "get",
  { name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(
        identity.getWorkloadIdentity({ name: given.name }),
        (reply) => Output.one(given.json, operations.getWorkloadIdentity.reply, reply)
      ))
).pipe(Command.withDescription("Shows a workload identity."))

const list = Command.make(
  "list",
  Client.common,
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(Stream.runCollect(identity.listWorkloadIdentities()), (items) => {
        const workloadIdentities = Array.from(items)
        return given.json
          ? Output.one(true, operations.listWorkloadIdentities.reply, { workloadIdentities })
          : Effect.forEach(workloadIdentities, ({ name }) => Console.log(name), { discard: true })
      }))
).pipe(Command.withDescription("Lists the workload identities, one name a line."))

const remove = Command.make(
  "delete",
  { name, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.zipRight(
        identity.deleteWorkloadIdentity({ name: given.name }),
        Output.done(given.json, { name: given.name, outcome: "deleted" }, `deleted ${given.name}`)
      ))
).pipe(Command.withDescription("Deletes a workload identity, and everything that was stored for it."))

const addReturnUrl = Command.make(
  "add-return-url",
  { name, url, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(
        identity.addReturnUrl({ name: given.name, url: given.url }),
        (reply) => Output.one(given.json, operations.getWorkloadIdentity.reply, reply)
      ))
).pipe(Command.withDescription("Registers a return URL, beside the others."))

const removeReturnUrl = Command.make(
  "remove-return-url",
  { name, url, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(
        identity.removeReturnUrl({ name: given.name, url: given.url }),
        (reply) => Output.one(given.json, operations.getWorkloadIdentity.reply, reply)
      ))
).pipe(Command.withDescription("Removes a return URL, and keeps the others."))

/** @internal */
export const command = Command.make("workloads").pipe(
  Command.withDescription("Workload identities."),
  Command.withSubcommands([create, get, list, remove, addReturnUrl, removeReturnUrl])
)
