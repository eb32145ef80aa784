// The inspect command: what lies in a folder of the disk tier, and whether all of it can be believed. May touch: that folder (reading), stdout.
import { type DiskReport, inspectDisk, type PartitionReport } from '../tiers/disk/inspect.js'
import { type Command, usageError } from './command.js'
import { jsonOption, writeJson } from './json-file.js'
import { Progress } from './progress.js'
import { bold, count, fields, green, red, size } from './text.js'

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'Show and verify what a folder of the disk tier holds',
  usage: 'inspect --disk PATH [--json FILE]',
  positionals: 0,
  options: { disk: { value: 'PATH', help: 'the folder' }, json: jsonOption },
  details: `Changes nothing. Reads every record and checks it; a process may use the folder
meanwhile. Ends with exit code 1 when something is damaged. No cache of this
version has a disk tier yet: what writes such folders is its storage alone
(docs/disk-format.md).`,
  async run({ values }) {
    const path = values['disk']
    if (typeof path !== 'string') throw usageError('inspect needs a folder: ostraka inspect --disk PATH')
    const progress = new Progress('reading')
    const report = await inspectDisk(path, (done, of) => progress.update(done, of)).finally(() => progress.end())
    if (values['json'] !== '-') process.stdout.write(`${show(report)}\n`)
    if (values['json'] !== undefined) writeJson(String(values['json']), report)
    return report.sound ? 0 : 1
  },
}

function show(report: DiskReport): string {
  const { shape, holder, partitions } = report
  const owner =
    holder === undefined
      ? 'nobody'
      : `process ${holder.pid} on ${holder.host}${holder.left ? ', which has left' : ', unless it has died'}`
  return [
    `${bold(report.path)}: store ${report.store}, made ${report.createdAt}`,
    '',
    fields([
      ['held by', owner],
      ['partitions', `${shape.partitions} of ${count(shape.regions)} regions of ${size(shape.regionBytes)}`],
      ...partitions.flatMap((partition, index) => rows(partition, index)),
      ['verdict', report.sound ? green('sound') : red('damaged; what cannot be believed is not served')],
    ]),
  ].join('\n')
}

function rows(partition: PartitionReport, index: number): (readonly [string, string])[] {
  const { owner, regions, live } = partition
  const state =
    owner === undefined ? 'no owner' : `epoch ${owner.epoch}, ${owner.closed ? 'closed' : 'in use or not closed'}`
  return [
    [
      `partition ${index}`,
      `${state}; ${count(regions.used)} regions used, ${count(regions.finished)} of them finished`,
    ],
    [
      '',
      `${count(live.values)} keys live in ${size(live.bytes)} of ${size(partition.bytes)}; ${count(partition.compressed)} records compressed`,
    ],
    [
      '',
      `${count(partition.values)} values, ${count(partition.tombstones)} tombstones, ${count(partition.tagInvalidations)} invalidations of tags`,
    ],
    ...(partition.damagedRecords > 0 ? [['', red(`${count(partition.damagedRecords)} damaged records`)] as const] : []),
    ...partition.problems.map((problem) => ['', red(problem)] as const),
  ]
}
