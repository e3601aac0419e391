import DiffusionCore
import Foundation
import Tensor
import Testing

@Suite("Checkpoint folder") struct CheckpointTests {
  static let demo = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources/EmojiScenes/Resources").standardizedFileURL

  @Test("the demo checkpoint gives weights by dotted scopes")
  func scopes() throws {
    let weights = try CheckpointFolder(Self.demo).weights(of: .unet)
    let kernel = try weights["down_blocks"][0]["resnets.0"].tensor("conv1.weight", shape: [64, 64, 3, 3])
    #expect(kernel.count == 64 * 64 * 9)
    #expect(kernel.scalars.allSatisfy { $0.isFinite } && kernel.scalars.contains { $0 != 0 })
    #expect(
      weights.contains("conv_in.weight") && weights.contains("down_blocks.0")
        && !weights.contains("down_block"))
  }
}
