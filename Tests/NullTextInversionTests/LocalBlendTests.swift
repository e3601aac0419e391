import Foundation
import NullTextInversion
import Tensor
import Testing

@testable import DiffusionCore

@Suite("Local blend") struct LocalBlendTests {
  private struct Golden: Decodable {
    let grid: [Int]
    let latent: [Int]
    let heads: [Int]
    let steps: Int
    let tokens: Int
    let words: [[Int]]
    let subtracted: [[Int]]
    let threshold: Double
    let subtractThreshold: Double
    let seed: Int
    let mask: [String]

    /// Token i is the word "wi".
    private func words(_ tokens: [[Int]]) -> LocalBlend.Words {
      LocalBlend.Words(source: tokens[0].map { "w\($0)" }, target: tokens[1].map { "w\($0)" })
    }

    var blend: LocalBlend {
      LocalBlend(
        words(words), subtracting: words(subtracted), threshold: threshold,
        subtractThreshold: subtractThreshold)
    }
  }

  private let prompt = toy("w1 w2 w3 w4 w5 w6")

  private func maps(_ blend: LocalBlend, _ height: Int, _ width: Int) throws -> LocalBlendMaps {
    try LocalBlendMaps(
      blend, source: prompt, target: prompt, grid: LocalBlendGrid(height: height, width: width))
  }

  @Test("masks equal PyTorch's, for grids and latents of any shape, several layers, steps and words")
  func golden() throws {
    let records = try fixture("words/blends.json", as: [Golden].self)
    #expect(records.count == 10)
    for record in records {
      var maps = try self.maps(record.blend, record.grid[0], record.grid[1])
      var noise = Noise(seed: record.seed)
      for _ in 0..<record.steps {
        for heads in record.heads {
          let both = noise.tensor([2, heads, record.grid[0] * record.grid[1], record.tokens])
          let peaked = Tensor(
            both.scalars.map { (x) in [x * x].map { $0 * $0 }.map { $0 * $0 }[0] }, shape: both.shape)
          maps.add(source: peaked[0], target: peaked[1])
        }
      }
      let mask = maps.mask(height: record.latent[0], width: record.latent[1])
      let rows = (0..<record.latent[0]).map { row in mask[row].scalars.map { $0 == 1 ? "1" : "0" }.joined() }
      #expect(rows == record.mask, "grid \(record.grid), latent \(record.latent)")
    }
  }

  @Test("nearest-neighbor resizing equals PyTorch's")
  func enlargement() throws {
    struct Case: Decodable {
      let count: Int
      let size: Int
      let neighbors: String

      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        (count, size) = (try values.decode(Int.self), try values.decode(Int.self))
        neighbors = try values.decode(String.self)
      }
    }
    // The first word is everywhere; the second, which is excluded, is at one grid position only.
    let blend = LocalBlend(.init(source: ["w1"]), subtracting: .init(source: ["w2"]))
    for record in try fixture("words/enlargements.json", as: [Case].self) {
      var left = Array(repeating: "-", count: record.size)
      for place in 0..<record.count {
        var maps = try self.maps(blend, 1, record.count)
        let attention = Tensor(
          (0..<record.count).flatMap { [0, 1, $0 == place ? 1 : 0] }, shape: [1, record.count, 3])
        maps.add(source: attention, target: attention)
        for (column, kept) in maps.mask(height: 1, width: record.size).scalars.enumerated() where kept == 0 {
          left[column] = "\(place)"
        }
      }
      #expect(left.joined() == record.neighbors, "\(record.count) to \(record.size)")
    }
  }

  /// Returns the attention of one head on a grid: one list of values for each token.
  private func attention(_ words: [Int: [Float]]) -> Tensor {
    let count = words.values.first?.count ?? 0
    return Tensor((0..<count).flatMap { i in (0..<8).map { words[$0]?[i] ?? 0 } }, shape: [1, count, 8])
  }

  @Test("a position is kept if it is near a word of either prompt and not at an excluded one")
  func sourceOrTarget() throws {
    var maps = try self.maps(
      LocalBlend(.init(source: ["w1"], target: ["w2"]), subtracting: .init(target: ["w3"])), 1, 8)
    maps.add(
      source: attention([
        1: [0, 1, 0, 0, 0, 0, 0, 0], 2: [0, 0, 0, 9, 0, 0, 0, 0], 3: [0, 1, 0, 0, 0, 0, 0, 0],
      ]),
      target: attention([
        1: [0, 0, 0, 9, 0, 0, 0, 0], 2: [0, 0, 0, 0, 0, 0, 1, 0], 3: [0, 0, 0, 0, 0, 1, 0, 0],
      ]))
    #expect(maps.mask(height: 1, width: 8).scalars == [1, 1, 1, 0, 0, 0, 1, 1])
    #expect(maps.mask(height: 2, width: 8).scalars == [1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1])
  }

  @Test("attention must exceed the threshold, and steps are summed")
  func strict() throws {
    let blend = LocalBlend(.init(source: ["w1"]), subtracting: .init(source: ["w2"]), subtractThreshold: 0.5)
    var maps = try self.maps(blend, 1, 4)
    let everywhere: [Float] = [1, 1, 1, 1]
    let first = attention([1: everywhere, 2: [0, 2, 4, 3]])
    maps.add(source: first, target: first)
    #expect(maps.mask(height: 1, width: 4).scalars == [1, 1, 0, 0])
    let second = attention([1: everywhere, 2: [0, 4, 2, 0]])
    maps.add(source: second, target: second)
    #expect(maps.mask(height: 1, width: 4).scalars == [1, 0, 0, 1])
  }

  @Test("maps without positive attention select nothing", arguments: [0, -1])
  func nothingThere(scale: Float) throws {
    let attention = self.attention([1: [1, 2, 3, 4].map { $0 * scale }, 2: [1, 1, 1, 1]])
    var kept = try maps(LocalBlend(.init(source: ["w1"])), 2, 2)
    #expect(kept.mask(height: 8, width: 8).scalars.allSatisfy { $0 == 0 })
    kept.add(source: attention, target: attention)
    #expect(kept.mask(height: 8, width: 8).scalars.allSatisfy { $0 == 0 })
    var subtracted = try maps(LocalBlend(.init(source: ["w2"]), subtracting: .init(target: ["w1"])), 2, 2)
    subtracted.add(source: attention, target: attention)
    #expect(subtracted.mask(height: 8, width: 8).scalars.allSatisfy { $0 == 1 })
  }

  @Test("the result equals the target's latent inside the mask and the source's outside, bit for bit")
  func blending() {
    var noise = Noise(seed: 5)
    let (source, target) = (noise.tensor([2, 3, 4]), noise.tensor([2, 3, 4]))
    let mask = Tensor([1, 0, 0, 0.5, 1, 0], shape: [2, 3])
    let result = LocalBlendMaps.blended(target: target, source: source, mask: mask)
    for (i, share) in [1, 0, 0, 0.5, 1, 0].enumerated() {
      for c in 4 * i..<4 * i + 4 {
        let (s, t) = (source.scalars[c], target.scalars[c])
        #expect(result.scalars[c] == (share == 1 ? t : share == 0 ? s : s + 0.5 * (t - s)))
      }
    }
  }

  @Test("the first blend comes after the given share of the steps")
  func start() {
    #expect((0..<50).first { LocalBlend("cat", "tiger").isActive(step: $0, of: 50) } == 10)
    var blend = LocalBlend("cat", "tiger")
    blend.start = 0
    #expect(blend.isActive(step: 0, of: 50))
    blend.start = 1
    #expect(!(0..<50).contains { blend.isActive(step: $0, of: 50) })
  }

  @Test("missing words, empty blends and values out of range are errors")
  func errors() throws {
    let missing = #expect(throws: InputError.self) { try maps(LocalBlend("w1", "tiger"), 2, 2) }
    #expect(missing?.kind == .mismatch)
    #expect(
      missing?.message.hasPrefix("The word to blend \"tiger\" is not in the prompt \"w1 w2 w3 w4 w5 w6\"")
        == true)
    let subtracted = LocalBlend(.init(source: ["w1"]), subtracting: .init(source: ["sky"]))
    #expect(throws: InputError.self) { try maps(subtracted, 2, 2) }
    #expect(throws: InputError.self) { try maps(LocalBlend(.init()), 2, 2) }
    for (threshold, subtractThreshold, start) in [
      (1, 0.3, 0.2), (-0.1, 0.3, 0.2), (0.3, .nan, 0.2), (0.3, 0.3, 1.1),
    ] {
      let blend = LocalBlend(
        .init(source: ["w1"]), threshold: threshold, subtractThreshold: subtractThreshold, start: start)
      let error = #expect(throws: InputError.self) { try blend.validate() }
      #expect(error?.kind == .outOfRange)
    }
  }

  @Test("words to blend are parsed as written on the command line")
  func parsing() throws {
    typealias Words = LocalBlend.Words
    #expect(try Words(parsing: "cat,tiger") == Words(source: ["cat"], target: ["tiger"]))
    #expect(try Words(parsing: "silver cat , tiger") == Words(source: ["silver cat"], target: ["tiger"]))
    #expect(try Words(parsing: "cat") == Words(source: ["cat"], target: ["cat"]))
    #expect(try Words(parsing: ",hat") == Words(target: ["hat"]))
    #expect(try Words(parsing: "hat,") == Words(source: ["hat"]))
    #expect(
      try Words(parsing: "a,b") + Words(parsing: "c,d") == Words(source: ["a", "c"], target: ["b", "d"]))
    for text in ["", ",", "a,b,c"] { #expect(throws: InputError.self) { try Words(parsing: text) } }
  }

  @Test("a blend is decoded as it was encoded, and missing keys have their defaults")
  func json() throws {
    var blend = LocalBlend(.init(source: ["cat"], target: ["tiger"]), subtracting: .init(target: ["sky"]))
    (blend.threshold, blend.subtractThreshold, blend.start) = (0.4, 0.2, 0.1)
    #expect(try JSONDecoder().decode(LocalBlend.self, from: JSONEncoder().encode(blend)) == blend)
    let short = try JSONDecoder().decode(LocalBlend.self, from: Data(#"{"words": {"target": ["hat"]}}"#.utf8))
    #expect(short == LocalBlend(.init(target: ["hat"])))
    #expect([short.threshold, short.subtractThreshold, short.start] == [0.3, 0.3, 0.2])
  }
}

@Suite("Grid of a local blend") struct LocalBlendGridTests {
  /// Cross-attention sites at the given places; grids shrink like convolutions of stride two with padding.
  private func sites(_ places: [(AttentionSite.Place, level: Int)], height: Int, width: Int)
    -> [AttentionSite]
  {
    places.enumerated().flatMap { index, place in
      var (h, w) = (height, width)
      for _ in 0..<place.level { (h, w) = ((h + 1) / 2, (w + 1) / 2) }
      return [false, true].map {
        AttentionSite(
          index: 2 * index + ($0 ? 1 : 0), place: place.0, isCross: $0, height: h, width: w, heads: 2)
      }
    }
  }

  private let stableDiffusion: [(AttentionSite.Place, level: Int)] = [
    (.down, 0), (.down, 1), (.down, 2), (.mid, 3), (.up, 2), (.up, 1), (.up, 0),
  ]

  @Test(
    "the grid has a quarter of the latent's side if the network has cross-attention there",
    arguments: [
      (64, 64, 16, 16), (96, 96, 24, 24), (64, 96, 16, 24), (40, 72, 10, 18), (50, 33, 13, 9),
      (61, 64, 16, 16),
    ])
  func quarter(height: Int, width: Int, expectedHeight: Int, expectedWidth: Int) throws {
    let sites = self.sites(stableDiffusion, height: height, width: width)
    let grid = try LocalBlendGrid(forLatentOf: height, by: width, sites: sites)
    #expect(grid == LocalBlendGrid(height: expectedHeight, width: expectedWidth))
    #expect(sites.filter(grid.includes).map(\.index) == [5, 9])
  }

  @Test("sides that are rounded down by convolutions without padding are found")
  func roundedDown() throws {
    let sites = [(50, 33), (25, 16), (12, 8), (6, 4)].enumerated().map {
      AttentionSite(index: $0, place: .up, isCross: true, height: $1.0, width: $1.1, heads: 1)
    }
    #expect(try LocalBlendGrid(forLatentOf: 50, by: 33, sites: sites) == LocalBlendGrid(height: 12, width: 8))
  }

  @Test("if a quarter could be rounded either way, it is rounded up")
  func roundedUp() throws {
    let sites = self.sites((0...3).map { (.down, $0) }, height: 6, width: 6)
    #expect(sites.map(\.height) == [6, 6, 3, 3, 2, 2, 1, 1])
    #expect(try LocalBlendGrid(forLatentOf: 6, by: 6, sites: sites) == LocalBlendGrid(height: 2, width: 2))
  }

  @Test("otherwise the grid is the coarsest one outside the middle block")
  func coarsest() throws {
    let sites = self.sites([(.down, 0), (.down, 1), (.mid, 2), (.up, 1), (.up, 0)], height: 16, width: 16)
    let grid = try LocalBlendGrid(forLatentOf: 16, by: 16, sites: sites)
    #expect(grid == LocalBlendGrid(height: 8, width: 8))
    #expect(sites.filter(grid.includes).map(\.index) == [3, 7])
    let wide = self.sites([(.up, 1), (.up, 0)], height: 16, width: 24)
    #expect(try LocalBlendGrid(forLatentOf: 16, by: 24, sites: wide) == LocalBlendGrid(height: 8, width: 12))
  }

  @Test("a network with cross-attention only in its middle block cannot blend")
  func unsupported() {
    let sites = self.sites([(.mid, 2)], height: 16, width: 16)
    let error = #expect(throws: InputError.self) { try LocalBlendGrid(forLatentOf: 16, by: 16, sites: sites) }
    #expect(error?.kind == .unsupported)
  }
}
