/// The picture that the demo inverts, and its edits.
struct DemoScene {
  /// One edit of the demo.
  struct Edit {
    /// The name of the file without its extension.
    let name: String
    let prompt: String
  }

  /// The id of a picture in the benchmark of `EmojiScenes`.
  let picture: String
  let caption: String
  let edits: [Edit]

  /// The bundled scene, with a replaced object, another background, and an added adjective.
  static let bundled = DemoScene(
    picture: "600000000051", caption: "a fox next to a strawberry on sand",
    edits: [
      Edit(name: "cat", prompt: "a cat next to a strawberry on sand"),
      Edit(name: "snow", prompt: "a fox next to a strawberry in snow"),
      Edit(name: "blue", prompt: "a fox next to a blue strawberry on sand"),
    ])
}
