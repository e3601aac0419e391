import Foundation
import Testing

@Suite("Wrong usage") struct UsageTests {
  struct Case: CustomTestStringConvertible {
    let arguments: [String]
    let says: String
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String..., says: String) {
      self.arguments = arguments
      self.says = says
    }
  }

  static let cases = [
    Case("frobnicate", says: "frobnicate"),
    Case("invert", says: "<photo>"),
    Case("invert", "photo.png", says: "--caption"),
    Case("invert", "photo.png", "--caption", "", says: "caption is empty"),
    Case("invert", "photo.png", "--caption", " \t", says: "caption is empty"),
    Case("invert", "photo.png", "--caption", "a cat", "--steps", "0", says: "number of steps is 0"),
    Case("invert", "photo.png", "--caption", "a cat", "--steps", "101", says: "at most 100"),
    Case("invert", "photo.png", "--caption", "a cat", "--steps", "many", says: "'many'"),
    Case("invert", "photo.png", "--caption", "a cat", "--guidance", "1000", says: "guidance scale is 1000"),
    Case("invert", "photo.png", "--caption", "a cat", "--guidance", "nan", says: "guidance scale is nan"),
    Case("invert", "photo.png", "--caption", "a cat", "--early-stop=-1", says: "early-stop loss"),
    Case("invert", "photo.png", "--caption", "a cat", "--threads", "0", says: "--threads 0"),
    Case("invert", "photo.png", "--caption", "a cat", "--colour", "red", says: "--colour"),
    Case("invert", "photo.png", "--caption", "a cat", "--method", "magic", says: "negative-prompt"),
    Case("invert", "photo.png", "--caption", "a cat", "--budget", "soon", says: "60s"),
    Case("invert", "photo.png", "--caption", "a cat", "--budget", "1e30s", says: "budget is 1e+30"),
    Case("invert", "photo.png", "--caption", "a cat", "--optimizer", "magic", says: "conjugate-directions"),
    Case("invert", "x.png", "--caption", "a", "--method", "ddim", "--fast", says: "--method null-text"),
    Case(
      "invert", "x.png", "--caption", "a", "--regularization", "0.1", says: "need the optimizer gauss-newton"),
    Case("invert", "x.png", "--caption", "a", "--method", "direct", "--final-steps", "2", says: "null-text"),
    Case(
      "invert", "x.png", "--caption", "a", "--method", "direct", "--start", "caption",
      says: "global-null-text"),
    Case("invert", "x.png", "--caption", "a", "--method", "ddim", "--budget", "1m", says: "--budget"),
    Case("invert", "x.png", "--caption", "a", "--interpolation", "0.5", says: "--method negative-prompt"),
    Case(
      "invert", "x.png", "--caption", "a", "--method", "negative-prompt", "--interpolation", "2",
      says: "between 0 and 1"),
    Case("evaluate", "bench", "--method", "direct,ddim", "--optimizer", "adam", says: "--method null-text"),
    Case("maps", "x.nti", "--self-steps", "0.5", says: "needs --prompt"),
    Case("inver", "x.png", says: "no command inver; did you mean invert?"),
    Case("invert", "x.png", "--captoin", "a", says: "no option --captoin; did you mean --caption?"),
    Case("edit", "x.nti", "--prompts=a", says: "no option --prompts; did you mean --prompt?"),
    Case("frobnicate", says: "no command frobnicate."), Case("edit", "--prompt", "a", says: "<file>"),
    Case("generate", "--prompt", "a", "-o", "-", says: "standard output"),
    Case("evaluate", "bench", "--limit", "0", says: "--limit 0"),
    Case("invert", "x.png", "--caption", "a", "--memory", "12", says: "3GB"),
    Case("edit", "x.nti", "--prompt", "a", "--memory=-1GB", says: "3GB"),
    Case("generate", "--prompt", "a", "--memory", "manyGB", says: "3GB"),
    Case("generate", "--prompt", "a", "--memory", "50MB", says: "this work needs 0."),
    Case("evaluate", "bench", "--merge", "-o", "out", says: "--merge"),
    Case("edit", "x.nti", says: "no prompt"),
    Case("edit", "x.nti", "--prompt", " ", says: "prompt is empty"),
    Case("edit", "x.nti", "--prompt", "a", "--controller", "swap", says: "'replace'"),
    Case("edit", "x.nti", "--prompt", "a", "--cross-steps", "1.5", says: "between 0 and 1"),
    Case("edit", "x.nti", "--prompt", "a", "--cross-steps", "0.5:0.2", says: "equal or larger one"),
    Case("edit", "x.nti", "--prompt", "a", "--cross-steps", "a=0.1,0.2", says: "0.1,0.2"),
    Case("edit", "x.nti", "--prompt", "a", "--self-steps", "half", says: "half"),
    Case("edit", "x.nti", "--prompt", "a", "--emphasis", "cat", says: "silver=2"),
    Case("edit", "x.nti", "--prompt", "a", "--blend", "a,b,c", says: "cat,tiger"),
    Case("edit", "x.nti", "--prompt", "a", "--blend-threshold", "high", says: "0.3,0.4"),
    Case("generate", says: "--prompt"),
    Case("generate", "--prompt", "a", "--steps", "0", says: "0 steps"),
    Case("generate", "--prompt", "a", "--seed", "-1", says: "seed"),
    Case("generate", "--prompt", "a", "--sampler", "euler", says: "ddim, dpm-solver, lcm"),
    Case("benchmark", "--what", "unet,speed", says: "load, unet, gradient, encode, decode"),
    Case("benchmark", "--size", "512", says: "512x512"),
    Case("benchmark", "--size", "100x128", says: "multiples of 8"),
    Case("benchmark", "--runs", "0", says: "--runs 0"),
    Case("inspect", says: "<file|folder>"),
  ]

  @Test("wrong usage prints a one-line error and exits with status 64", arguments: cases)
  func refusal(of usage: Case) async throws {
    let scratch = try Scratch()
    let run = try await Program.run(usage.arguments, in: scratch)
    #expect(run.status == 64)
    #expect(run.output == "")
    #expect(run.errors.hasPrefix("nti: "))
    #expect(run.errors.split(separator: "\n").count == 1)
    #expect(run.errors.contains(usage.says))
    #expect(try scratch.names.isEmpty)
  }
}
