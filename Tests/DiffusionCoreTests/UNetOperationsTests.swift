import Foundation
import Tensor
import TestSupport
import Testing

@testable import DiffusionCore

@Suite("Operations of the UNet") struct UNetOperationsTests {
  private func configuration(_ json: String) throws -> UNetConfiguration {
    let configuration = try JSONDecoder().decode(UNetConfiguration.self, from: Data(json.utf8))
    try configuration.validate()
    return configuration
  }

  @Test("match a manual count for one level") func byHand() throws {
    let unet = try configuration(
      """
      {"block_out_channels": [4], "down_block_types": ["CrossAttnDownBlock2D"], "up_block_types": ["UpBlock2D"],
       "layers_per_block": 1, "in_channels": 3, "out_channels": 3, "cross_attention_dim": 5, "norm_num_groups": 2,
       "attention_head_dim": 2, "mid_block_type": null}
      """)
    // 2 x 3 pixels, 7 tokens; multiply-adds.
    let pixels = 6
    let time = 4 * 16 + 16 * 16
    let ends = pixels * 9 * (3 * 4 + 4 * 3)
    let down = pixels * 9 * (4 * 4 + 4 * 4) + 16 * 4
    // Each of the two residual blocks on the way up concatenates 4 kept channels.
    let up = 2 * (pixels * (9 * (8 * 4 + 4 * 4) + 8 * 4) + 16 * 4)
    let itself = pixels * (4 * 4 * 4 + 2 * pixels * 4)
    let text = pixels * (2 * 4 * 4 + 2 * 7 * 4)
    let forward = pixels * (4 * 32 + 16 * 4)
    let transformer = pixels * 2 * 4 * 4 + itself + text + forward
    #expect(
      unet.operations(height: 2, width: 3, tokens: 7) == 2 * (time + ends + down + up + transformer))
    #expect(unet.contextOperations(tokens: 7) == 2 * 7 * 5 * 4 * 2)
  }

  @Test("are 0.803 trillion for Stable Diffusion 1 at 64 x 64, including the text's keys and values")
  func stableDiffusion() throws {
    let unet = try configuration(#"{"cross_attention_dim": 768}"#)
    let operations = unet.operations(height: 64, width: 64, tokens: 77) + unet.contextOperations(tokens: 77)
    #expect(abs(Double(operations) / 1e12 - 0.803) < 0.0005)
  }

  @Test("match the layers' operations for square and other latents", arguments: GoldenFile.names)
  func layers(name: String) throws {
    let golden = try GoldenFile(name)
    let unet = try UNet(
      golden.checkpoint.configuration(of: .unet), weights: golden.checkpoint.weights(of: .unet))
    for prefix in golden.cases("unet", member: "output") {
      let latent = try golden.image("\(prefix).latent")
      let text = try golden.tensor("\(prefix).context")
      let (context, making) = Profile.recording { unet.context(text) }
      let (_, evaluation) = Profile.recording { unet(latent, timestep: 1, context: context) }
      func operations(_ entries: [Profile.Entry]) -> Int { entries.reduce(0) { $0 + $1.cost.operations } }
      let (height, width, tokens) = (latent.shape[0], latent.shape[1], text.shape[0])
      #expect(operations(making) == unet.configuration.contextOperations(tokens: tokens))
      #expect(
        operations(evaluation) == unet.configuration.operations(height: height, width: width, tokens: tokens))
    }
  }
}
