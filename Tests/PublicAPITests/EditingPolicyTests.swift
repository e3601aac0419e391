import NullTextInversion
import Synchronization
import Testing

@Suite("An editing policy of a program's own") struct EditingPolicyTests {
  /// What mutual self-attention does, written again with what is public.
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

  @Test("that does what one of the library's does gives the same edit for the same evaluations")
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

  /// Puts the source's latent back from a step on, or starts late.
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

  @Test("decides about the latents: the source's last one gives the reconstruction")
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

  /// Changes the attention to the words and counts how often it is asked to, for each prompt on its own.
  struct Counting: EditingPolicy {
    let counts: Counts
    /// Whether somebody else, such as a blend, reads the source.
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
        // Half of the attention goes to all tokens alike.
        let probabilities = own.probabilities()
        let uniform = Tensor(
          repeating: 0.5 / Float(probabilities.rowLength), shape: probabilities.shape)
        return .probabilities(.combination(0.5, probabilities, 1, uniform))
      }
    }
  }

  @Test("is begun once for each prompt, asked at every attention, and pays only for what it reads")
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
    func begin(_ scene: EditScene) throws -> any EditingRun { preconditionFailure("begun all the same") }
  }

  @Test("may refuse its own settings before it is begun")
  func ownSettings() async throws {
    let inverted = try await SmallEditor.inverted()
    await #expect(throws: InputError(.outOfRange, "No such setting.")) {
      try await inverted.edit(prompt: "a dog", policy: RefusingItself())
    }
  }

  @Test("may refuse a prompt before any evaluation")
  func refusal() async throws {
    let inverted = try await SmallEditor.inverted()
    await #expect(throws: InputError(.mismatch, "No such word.")) {
      try await inverted.edit(prompt: "a dog", policy: Refusing())
    }
  }

  @Test("goes together with a blend, which sees the attention as the policy left it")
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
