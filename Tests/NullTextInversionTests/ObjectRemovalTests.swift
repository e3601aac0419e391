import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Object removal") struct ObjectRemovalTests {
  private let small: SmallInversion
  private let scene: EditScene
  private let outer: AttentionSite

  init() throws {
    small = try SmallInversion("four-levels")
    let inversion = try small.begin()
    let (height, width, _) = inversion.latent.shape3
    let model = small.model
    func words(_ text: String) throws -> PromptWords { PromptWords(try model.tokenizer.encode(text)) }
    scene = EditScene(
      source: try words("a cat and a dog on the mat"), target: try words("a cat on the mat"), stepCount: 4,
      textLength: model.configuration.textEncoder.positionCount,
      sites: model.configuration.unet.attentionSites(height: height, width: width))
    let grid = try LocalBlendGrid(forLatentOf: height, by: width, sites: scene.sites.filter(\.isCross))
    outer = try #require(scene.sites.first { grid.includes($0) })
  }

  /// Creates attention inputs; in cross-attention, the given positions attend mainly to a token.
  private func inputs(_ site: AttentionSite, looking: [Int: Int] = [:]) -> AttentionInputs {
    var random = RandomSource(seed: UInt64(site.index))
    let channels = 8 * site.heads
    let keys = site.isCross ? scene.textLength : site.height * site.width
    var query = 0.1 * random.normal(shape: [site.height * site.width, channels])
    let key = random.normal(shape: [keys, channels])
    for (position, token) in looking {
      query.withMutableScalars { scalars in
        for channel in 0..<channels {
          scalars[position * channels + channel] = 20 * key[token].scalars[channel]
        }
      }
    }
    return AttentionInputs(
      site: site, attention: Attention(heads: site.heads, channels: channels), query: query, key: key,
      value: random.normal(shape: [keys, channels]))
  }

  @Test(
    "after the first step, self-attention excludes both objects, and the removed region ignores kept-out words"
  )
  func regions() throws {
    let policy = ObjectRemoval(words: ["dog"], keptOut: ["cat"], threshold: 0.5)
    var run = try policy.begin(scene)
    let dog = try #require(scene.source.tokens(of: "dog").first)
    let cat = try #require(scene.target.tokens(of: "cat").first)
    let (width, last) = (outer.width, outer.height * outer.width - 1)
    let catInSource = try #require(scene.source.tokens(of: "cat").first)
    let source = SourceAttention([outer.index: inputs(outer, looking: [0: dog, last: catInSource])])
    let own = inputs(outer, looking: [0: cat])
    let ownSite = try #require(
      scene.sites.first { !$0.isCross && $0.height == outer.height && $0.width == outer.width })
    // The first step only finds the region.
    #expect(run.role(at: ownSite, in: .conditional, step: 0) == .untouched)
    if run.change(own, source: source, in: .conditional, step: 0) != nil {
      Issue.record("the first step changes cross-attention")
    }
    #expect(run.role(at: ownSite, in: .unconditional, step: 1) == .changes)

    guard
      case .inputs(let query, let key, _)? = run.change(
        inputs(ownSite), source: SourceAttention(), in: .conditional, step: 1)
    else {
      Issue.record("self-attention is unchanged")
      return
    }
    // The regions of the removed and of the kept object: a corner each, with its neighbors, as in a blend.
    let all = inputs(ownSite)
    let hidden = Set([0, 1, width, width + 1])
    let kept = Set([last, last - 1, last - width, last - width - 1])
    let expected = (0..<all.key.shape[0]).filter { !hidden.contains($0) && !kept.contains($0) }
    #expect(query == all.query && key.shape[0] == expected.count)
    for (row, position) in expected.enumerated() { #expect(key[row] == all.key[position]) }

    guard case .probabilities(let probabilities)? = run.change(own, source: source, in: .conditional, step: 1)
    else {
      Issue.record("cross-attention is unchanged")
      return
    }
    let plain = own.probabilities()
    let (heads, positions, tokens) = probabilities.shape3
    for head in 0..<heads {
      for position in 0..<positions {
        let (changed, before) = (probabilities[head][position].scalars, plain[head][position].scalars)
        #expect(abs(changed.reduce(0, +) - 1) < 1e-4)
        if hidden.contains(position) { #expect(changed[cat] == 0) } else { #expect(changed == before) }
      }
    }
    #expect(tokens == scene.textLength)
  }

  @Test("removals without words, or with words that the prompts do not contain, are rejected") func refused()
    throws
  {
    #expect(throws: InputError.self) { try ObjectRemoval(words: []).validate() }
    #expect(throws: InputError.self) { try ObjectRemoval(words: ["dog"], threshold: 1).validate() }
    #expect(throws: InputError.self) { try ObjectRemoval(words: ["lion"]).begin(scene) }
    #expect(throws: InputError.self) { try ObjectRemoval(words: ["dog"], keptOut: ["dog"]).begin(scene) }
  }
}
