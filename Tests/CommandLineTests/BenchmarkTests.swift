import DiffusionCore
import Foundation
import TestSupport
import Testing

@Suite("nti benchmark") struct BenchmarkTests {
  private func run(_ arguments: String..., in scratch: Scratch? = nil) async throws -> Program.Outcome {
    let run = try await Program.run(
      ["benchmark", "--model", Sample.model, "--quiet"] + arguments, in: scratch)
    #expect(run.status == 0, "\(run.errors)")
    return run
  }

  @Test("the report has the seconds of each run of each part, and facts about the machine") func keys()
    async throws
  {
    let report = try await run("--runs", "2", "--threads", "1", "--json").json()
    let parts = ["load", "unet", "gradient", "encode", "decode"]
    #expect(
      Set(report.keys)
        == Set(
          parts + [
            "model", "size", "threads", "level", "sgemmGFLOPs", "peakBytes", "operations", "estimates",
          ]))
    for part in parts {
      let seconds = try #require(report[part] as? [Double])
      #expect(seconds.count == 2 && seconds.allSatisfy { $0 > 0 })
    }
    #expect(report["threads"] as? Int == 1)
    #expect(["portable", "avx2", "avx512"].contains(report["level"] as? String))
    #expect(try #require(report["sgemmGFLOPs"] as? Double) > 0)
    #expect(try #require(report["peakBytes"] as? Int) > 1 << 20)
    #expect(report["size"] as? String == "16x16")
  }

  @Test("the estimates of each method and of an edit are evaluations at the measured pace") func estimates()
    async throws
  {
    let report = try await run("--runs", "1", "--json").json()
    let estimates = try #require(report["estimates"] as? [[String: Any]])
    let names = estimates.compactMap { $0["work"] as? String }
    for name in [
      "null-text", "null-text --fast", "negative-prompt", "direct", "ddim", "global-null-text", "edit",
    ] {
      #expect(names.count { $0 == name } == 2, "\(name)")
    }
    func seconds(_ part: String) throws -> Double { try #require((report[part] as? [Double])?.first) }
    let direct = try #require(
      estimates.first { $0["work"] as? String == "direct" && $0["steps"] as? Int == 50 })
    // 50 evaluations, one encoding and one decoding.
    let expected = 50 * (try seconds("unet")) + (try seconds("encode")) + (try seconds("decode"))
    #expect(abs(try #require(direct["seconds"] as? Double) / expected - 1) < 1e-6)
  }

  @Test("only the given parts are measured, at the given size") func parts() async throws {
    let report = try await run("--what", "decode,unet", "--size", "24x40", "--runs", "1", "--json").json()
    #expect(report["size"] as? String == "24x40")
    #expect(report["decode"] != nil && report["unet"] != nil)
    for absent in ["load", "gradient", "encode", "estimates", "profile"] { #expect(report[absent] == nil) }
    let configuration: UNetConfiguration = try Checkpoint(Fixtures.url("models/plain-first"))
      .configuration(of: .unet)
    #expect(
      report.integer("operations", "unet")
        == configuration.operations(height: 20, width: 12, tokens: 77))
  }

  @Test("the times in a profile add up to at most the total") func profile() async throws {
    let report = try await run("--runs", "1", "--profile", "--json").json()
    let profile = try #require(report["profile"] as? [String: [[String: Any]]])
    #expect(Set(profile.keys) == ["unet", "gradient", "encode", "decode"])
    for (part, lines) in profile {
      let seconds = lines.reduce(0) { $0 + ($1["seconds"] as? Double ?? .infinity) }
      let whole = try #require((report[part] as? [Double])?.first)
      #expect(seconds > 0 && seconds <= whole, "\(part)")
      #expect(
        lines.reduce(0) { $0 + ($1.integer("operations") ?? 0) } == report.integer("operations", part),
        "\(part)")
    }
    #expect(profile["gradient"]?.contains { $0["isBackward"] as? Bool == true } == true)
    let text = try await run("--runs", "1", "--profile").output
    for line in ["profile of gradient", "self-attention", "everything else", "of sgemm", "at most"] {
      #expect(text.contains(line), "\(line)")
    }
  }

  @Test("inputs and results are written for comparisons") func dump() async throws {
    let scratch = try Scratch()
    _ = try await run("--runs", "1", "--what", "unet,gradient", "--dump", "results", in: scratch)
    let file = try SafetensorsFile(contentsOf: scratch("results"))
    #expect(file.shape(of: "unet") == file.shape(of: "latent"))
    #expect(file.shape(of: "gradient") == file.shape(of: "embedding"))
    #expect(file.contains("picture") && !file.contains("decoded"))
  }
}
