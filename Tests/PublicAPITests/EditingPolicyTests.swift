import NullTextInversion
import Synchronization
import Testing

@Suite("Custom editing policies") struct EditingPolicyTests {
  /// MasaCtrl, reimplemented with the public API.
  struct OwnMasaCtrl: EditingPolicy {
    func begin(_ scene: EditScene) throws -> any EditingRun { Run() }

    struct Run: EditingRun {
      func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
        site.isCross || step < 1 ? .untouched : .readsSource
      }

      func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
        -> AttentionChange?
      {
        guard let read = source.inputs(at: own.site) else { return nil }
        return .inputs(query: own.query, key: read.key, value: read.value)
      }
    }
  }

  @Test("a policy equal to one of the library's gives the same edit with the same evaluations")
  func masaCtrl() async throws {
    let inverted = try await SmallEditor.inverted()
    var options = EditOptions(control: .masaCtrl(MasaCtrl(start: 0.25)))
    let expected = try await inverted.edit(prompt: "a dog on the mat", options: options)
    options.control = .none
    let own = try await SmallEditor.inverted().edit(
      prompt: "a dog on the mat", options: options, policy: OwnMasaCtrl())
    let free = try await inverted.edit(prompt: "a dog on the mat", options: options)
    #expect(own.image == expected.image && own.evaluations == expected.evaluations)
    #expect(own.image != free.image)
  }

  /// Replaces the latent by the source's from a step on, or starts at a later step.
  struct Latents: EditingPolicy {
    var keepsSourceFrom = Int.max
    var firstStep = 0

    func begin(_ scene: EditScene) throws -> any EditingRun {
      Run(keepsSourceFrom: keepsSourceFrom, firstStep: min(firstStep, scene.stepCount))
    }

    struct Run: EditingRun {
      let keepsSourceFrom: Int
      let firstStep: Int

      func latent(_ target: Tensor, source: Tensor, after step: Int) -> Tensor {
        step >= keepsSourceFrom ? source : target
      }
    }
  }

  @Test("a policy controls the latents: the source's last latent gives the reconstruction")
  func latents() async throws {
    let inverted = try await SmallEditor.inverted()
    let reconstruction = try await inverted.reconstruction()
    let kept = try await inverted.edit(prompt: "a dog on the mat", policy: Latents(keepsSourceFrom: 3))
    #expect(kept.image == reconstruction && kept.evaluations.forward == 8)
    let unstarted = try await inverted.edit(prompt: "a dog on the mat", policy: Latents(firstStep: 4))
    #expect(unstarted.image == reconstruction && unstarted.evaluations.forward == 0)
    let late = try await inverted.edit(prompt: "a dog on the mat", policy: Latents(firstStep: 2))
    let expected = try await inverted.edit(
      prompt: "a dog on the mat", options: EditOptions(control: .sdEdit(SDEdit(strength: 0.5))))
    #expect(late.image == expected.image && late.image != reconstruction)
    #expect(late.evaluations.forward == 4)
  }

  /// Changes the cross-attention and counts its calls separately for each prompt.
  struct Counting: EditingPolicy {
    let counts: Counts
    /// Whether another feature, such as a blend, reads the source.
    var sourceIsRead = false

    final class Counts: Sendable {
      let ofPrompts = Mutex<[String: Int]>([:])
    }

    func begin(_ scene: EditScene) throws -> any EditingRun {
      #expect(scene.source.prompt.text == SmallEditor.caption && scene.stepCount == 4)
      #expect(scene.textLength == 77 && scene.sites.contains(where: \.isCross))
      return Run(counts: counts, prompt: scene.target.prompt.text, sourceIsRead: sourceIsRead)
    }

    struct Run: EditingRun {
      let counts: Counts
      let prompt: String
      let sourceIsRead: Bool
      var count = 0

      func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
        site.isCross && branch == .conditional ? .changes : .untouched
      }

      mutating func change(
        _ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int
      ) -> AttentionChange? {
        count += 1
        counts.ofPrompts.withLock { $0[prompt] = count }
        if !sourceIsRead {
          #expect(source.inputs(at: own.site) == nil && source.probabilities(at: own.site) == nil)
        }
        // Half of the attention is distributed evenly over all tokens.
        let probabilities = own.probabilities()
        let uniform = Tensor(
          repeating: 0.5 / Float(probabilities.rowLength), shape: probabilities.shape)
        return .probabilities(.combination(0.5, probabilities, 1, uniform))
      }
    }
  }

  @Test("a policy begins once per prompt, is called for every attention, and costs only what it reads")
  func state() async throws {
    let inverted = try await SmallEditor.inverted()
    let counts = Counting.Counts()
    let prompts = ["a dog on the mat", "a fox"]
    let edits = try await inverted.edit(prompts: prompts, policy: Counting(counts: counts))
    let free = try await inverted.edit(prompts: prompts, options: EditOptions(control: .none))
    #expect(edits[0].evaluations.forward == 2 * 2 * 4)
    #expect(edits[0].image != free[0].image && edits[1].image != free[1].image)
    let numbers = counts.ofPrompts.withLock { $0 }
    #expect(Set(numbers.keys) == Set(prompts) && Set(numbers.values).count == 1)
    let number = try #require(numbers.values.first)
    #expect(number > 0 && number.isMultiple(of: 4))
  }

  struct Refusing: EditingPolicy {
    func begin(_ scene: EditScene) throws -> any EditingRun {
      throw InputError(.mismatch, "No such word.")
    }
  }

  struct RefusingItself: EditingPolicy {
    func validate() throws(InputError) { throw InputError(.outOfRange, "No such setting.") }
    func begin(_ scene: EditScene) throws -> any EditingRun {
      preconditionFailure("begun despite invalid settings")
    }
  }

  @Test("a policy can reject its own settings before it begins")
  func ownSettings() async throws {
    let inverted = try await SmallEditor.inverted()
    await #expect(throws: InputError(.outOfRange, "No such setting.")) {
      try await inverted.edit(prompt: "a dog", policy: RefusingItself())
    }
  }

  @Test("a policy can reject a prompt before any evaluation")
  func refusal() async throws {
    let inverted = try await SmallEditor.inverted()
    await #expect(throws: InputError(.mismatch, "No such word.")) {
      try await inverted.edit(prompt: "a dog", policy: Refusing())
    }
  }

  @Test("a policy works with a blend, which receives the attention as changed by the policy")
  func blend() async throws {
    var options = EditOptions()
    options.blend = LocalBlend("cat", "dog")
    let inverted = try await SmallEditor.inverted()
    let edit = try await inverted.edit(
      prompt: "a dog on the mat", options: options,
      policy: Counting(counts: Counting.Counts(), sourceIsRead: true))
    let mask = try #require(edit.mask)
    #expect(mask.width == edit.image.width && mask.height == edit.image.height)
    #expect(edit.evaluations.forward == 3 * 4)
  }
}
