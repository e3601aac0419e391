// Edits a photo with a custom policy that keeps the source's layout on coarse grids and nothing else.
//
//     swift run -c release --package-path Examples OwnPolicy [folder]

import EmojiScenes
import Foundation
import NullTextInversion

/// Keeps the source's self-attention on coarse grids in the first part of the steps.
struct KeepLayout: EditingPolicy {
  var part = 0.5
  var largestGrid = 8

  func begin(_ scene: EditScene) throws -> any EditingRun {
    Run(steps: Int(part * Double(scene.stepCount)), largestGrid: largestGrid)
  }

  struct Run: EditingRun {
    let steps: Int
    let largestGrid: Int

    func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
      let isCoarse = !site.isCross && site.height <= largestGrid
      return branch == .conditional && isCoarse && step < steps ? .readsSource : .untouched
    }

    func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
      -> AttentionChange?
    {
      source.inputs(at: own.site).map { .inputs(query: $0.query, key: $0.key, value: own.value) }
    }
  }
}

let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? ".", isDirectory: true)
let photo = try RGBImage(contentsOf: EmojiScenes.picture("600000000051"))
let editor = try await ImageEditor(model: .emojiScenes)
let inverted = try await editor.invert(
  image: photo, caption: "a fox next to a strawberry on sand", options: InversionOptions(method: .direct))

var options = EditOptions()
options.guidance = 3
// A higher threshold than usual, because the attention maps of this small model are wide.
options.blend = LocalBlend(LocalBlend.Words(source: ["fox"], target: ["cat"]), threshold: 0.6)
let cat = try await inverted.edit(
  prompt: "a cat next to a strawberry on sand", options: options, policy: KeepLayout())
try cat.image.write(to: folder.appendingPathComponent("own-policy.png"))
if let mask = cat.mask { try mask.picture.write(to: folder.appendingPathComponent("own-policy-mask.png")) }
