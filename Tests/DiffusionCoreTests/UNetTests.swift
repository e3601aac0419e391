import DiffusionCore
import Tensor
import TestSupport
import Testing

@Suite("The UNet") struct UNetTests {
  private func unet(_ golden: GoldenFile, recomputes: Bool = false) throws -> UNet {
    try UNet(
      golden.checkpoint.configuration(of: .unet), weights: golden.checkpoint.weights(of: .unet),
      recomputesActivations: recomputes)
  }

  @Test("predicts like diffusers for square and other latents", arguments: GoldenFile.names)
  func prediction(name: String) throws {
    let golden = try GoldenFile(name)
    let unet = try unet(golden)
    for prefix in golden.cases("unet", member: "output") {
      let output = unet(
        try golden.image("\(prefix).latent"), timestep: Int(try golden.number("\(prefix).timestep")),
        context: unet.context(try golden.tensor("\(prefix).context")))
      expectClose(output, try golden.image("\(prefix).output"), relative: 1e-4, "\(prefix)")
    }
  }

  @Test(
    "has the text gradient of PyTorch, with kept and recomputed activations",
    arguments: GoldenFile.names, [false, true])
  func gradient(name: String, recomputes: Bool) throws {
    let golden = try GoldenFile(name)
    let unet = try unet(golden, recomputes: recomputes)
    for prefix in golden.cases("gradient", member: "gradient") {
      let stem = unet.stem(
        try golden.image("\(prefix).latent"), timestep: Int(try golden.number("\(prefix).timestep")))
      let target = try golden.image("\(prefix).target")
      let (loss, gradient) = valueAndGradient(at: try golden.tensor("\(prefix).context")) {
        unet.trunk(stem, context: unet.context($0)).meanSquaredError(to: target)
      }
      #expect(abs(loss / (try golden.number("\(prefix).loss")) - 1) < 1e-4)
      expectClose(gradient, try golden.tensor("\(prefix).gradient"), relative: 1e-3, "\(prefix)")
    }
  }

  @Test("counts its evaluations")
  func counting() throws {
    let golden = try GoldenFile("sharded")
    let unet = try unet(golden)
    let (latent, context) = (try golden.image("unet.0.latent"), try golden.tensor("unet.0.context"))
    let stem = unet.stem(latent, timestep: 1)
    _ = valueAndGradient(at: context) {
      unet.trunk(stem, context: unet.context($0)).meanSquaredError(to: latent)
    }
    _ = unet.trunk(stem, context: unet.context(context))
    #expect(unet.counter.total == EvaluationCount(forward: 2, backward: 1, stem: 1))
  }

  @Test("a control is called for every attention, in the order and with the grids of attentionSites")
  func sites() throws {
    final class Watcher: AttentionControl {
      var seen: [AttentionSite] = []
      func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
        -> Tensor?
      {
        #expect(query.shape[0] == site.height * site.width)
        seen.append(site)
        return nil
      }
    }
    for name in GoldenFile.names {
      let golden = try GoldenFile(name)
      let unet = try unet(golden)
      let watcher = Watcher()
      let latent = try golden.image("unet.2.latent")
      let context = unet.context(try golden.tensor("unet.2.context"))
      let watched = unet(latent, timestep: 11, context: context, control: watcher)
      #expect(watcher.seen == unet.attentionSites(height: latent.shape[0], width: latent.shape[1]))
      #expect(watched == unet(latent, timestep: 11, context: context))
    }
  }

  @Test("a control that computes the layer's own output does not change the prediction")
  func probabilitiesAgree() throws {
    struct Explicit: AttentionControl {
      func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
        -> Tensor?
      { attention.mix(attention.probabilities(query: query, key: key), value) }
    }
    let golden = try GoldenFile("four-levels")
    let unet = try unet(golden)
    let output = unet(
      try golden.image("unet.0.latent"), timestep: Int(try golden.number("unet.0.timestep")),
      context: unet.context(try golden.tensor("unet.0.context")), control: Explicit())
    expectClose(output, try golden.image("unet.0.output"), relative: 1e-4)
  }
}
